from django.contrib import admin
from django.urls import include, path

from oc_lettings_site import views

urlpatterns = [
    path("", views.home, name="home"),
    path("health/", views.health, name="health"),
    path("lettings/", include("lettings.urls")),
    path("profiles/", include("profiles.urls")),
    path("admin/", admin.site.urls),
]

admin.site.site_header = "Holiday Homes administration"
admin.site.site_title = "Holiday Homes"
