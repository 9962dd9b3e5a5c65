"""Removes the former tables once their rows are in the two apps. Backwards it makes them again,
empty, and the two data migrations fill them when they are undone."""
from django.db import migrations

from oc_lettings_site.moving import assert_empty


def prove_nothing_is_left_behind(apps, schema_editor):
    for model in ("Letting", "Address", "Profile"):
        assert_empty(apps.get_model("oc_lettings_site", model), schema_editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [
        ("oc_lettings_site", "0001_initial"),
        ("lettings", "0002_move_rows"),
        ("profiles", "0002_move_rows"),
    ]

    operations = [
        migrations.RunPython(prove_nothing_is_left_behind, migrations.RunPython.noop),
        migrations.DeleteModel(name="Letting"),
        migrations.DeleteModel(name="Address"),
        migrations.DeleteModel(name="Profile"),
    ]
