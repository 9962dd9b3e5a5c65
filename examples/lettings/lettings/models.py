from django.core.validators import MaxValueValidator, MinLengthValidator
from django.db import models
from django.urls import reverse


class Address(models.Model):
    """Where a home is. Shared by nobody: each letting has its own."""

    number = models.PositiveIntegerField(validators=[MaxValueValidator(9999)])
    street = models.CharField(max_length=64)
    city = models.CharField(max_length=64)
    state = models.CharField(max_length=2, validators=[MinLengthValidator(2)])
    zip_code = models.PositiveIntegerField(validators=[MaxValueValidator(99999)])
    country_iso_code = models.CharField(max_length=3, validators=[MinLengthValidator(3)])

    class Meta:
        ordering = ["country_iso_code", "city", "street", "number"]
        verbose_name_plural = "addresses"

    def __str__(self):
        return f"{self.number} {self.street}"


class Letting(models.Model):
    """A home that is let."""

    title = models.CharField(max_length=256)
    address = models.OneToOneField(Address, on_delete=models.CASCADE)

    class Meta:
        ordering = ["title"]

    def __str__(self):
        return self.title

    def get_absolute_url(self):
        return reverse("lettings:detail", args=[self.pk])
