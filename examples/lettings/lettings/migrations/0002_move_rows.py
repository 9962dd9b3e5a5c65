"""Addresses and lettings come over from the former single app, with their ids."""
from django.db import migrations

from oc_lettings_site.moving import clear_rows, copy_rows, restart_counters

OLD, NEW = "oc_lettings_site", "lettings"


def move(apps, schema_editor, source, target):
    address, letting = apps.get_model(target, "Address"), apps.get_model(target, "Letting")
    old_address, old_letting = apps.get_model(source, "Address"), apps.get_model(source, "Letting")
    alias = schema_editor.connection.alias
    copy_rows(old_address, address, alias)
    copy_rows(old_letting, letting, alias)
    clear_rows([old_letting, old_address], alias)
    restart_counters([address, letting], schema_editor.connection)


def forwards(apps, schema_editor):
    move(apps, schema_editor, OLD, NEW)


def backwards(apps, schema_editor):
    move(apps, schema_editor, NEW, OLD)


class Migration(migrations.Migration):
    dependencies = [("lettings", "0001_initial"), ("oc_lettings_site", "0001_initial")]

    operations = [migrations.RunPython(forwards, backwards)]
