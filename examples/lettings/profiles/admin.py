from django.contrib import admin

from profiles.models import Profile


@admin.register(Profile)
class ProfileAdmin(admin.ModelAdmin):
    list_display = ["user", "favorite_city"]
    list_select_related = ["user"]
    search_fields = ["user__username", "favorite_city"]
