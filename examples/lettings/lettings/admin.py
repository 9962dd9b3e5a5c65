from django.contrib import admin

from lettings.models import Address, Letting


@admin.register(Address)
class AddressAdmin(admin.ModelAdmin):
    list_display = ["__str__", "city", "state", "country_iso_code"]
    search_fields = ["street", "city"]


@admin.register(Letting)
class LettingAdmin(admin.ModelAdmin):
    list_display = ["title", "address"]
    list_select_related = ["address"]
    search_fields = ["title"]
