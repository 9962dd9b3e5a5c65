from django.conf import settings
from django.db import models
from django.urls import reverse


class Profile(models.Model):
    """What a user tells about themselves."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile"
    )
    favorite_city = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["user__username"]

    def __str__(self):
        return self.user.get_username()

    def get_absolute_url(self):
        return reverse("profiles:detail", args=[self.user.get_username()])
