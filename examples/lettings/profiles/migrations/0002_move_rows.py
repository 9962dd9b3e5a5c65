"""Profiles come over from the former single app, with their ids; users stay where they are."""
from django.db import migrations

from oc_lettings_site.moving import clear_rows, copy_rows, restart_counters

OLD, NEW = "oc_lettings_site", "profiles"


def move(apps, schema_editor, source, target):
    old, new = apps.get_model(source, "Profile"), apps.get_model(target, "Profile")
    alias = schema_editor.connection.alias
    copy_rows(old, new, alias)
    clear_rows([old], alias)
    restart_counters([new], schema_editor.connection)


def forwards(apps, schema_editor):
    move(apps, schema_editor, OLD, NEW)


def backwards(apps, schema_editor):
    move(apps, schema_editor, NEW, OLD)


class Migration(migrations.Migration):
    dependencies = [("profiles", "0001_initial"), ("oc_lettings_site", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
