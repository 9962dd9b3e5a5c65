"""Moves rows from one model to its twin in another app, keeping every id: addresses of pages, and
whatever else names a row, stay true. Used by data migrations, in their transaction."""
from django.core.management.color import no_style

BATCH = 500


class RowsLost(RuntimeError):
    """A move that would not carry every row; the migration's transaction is rolled back."""


def copy_rows(source, target, alias):
    """Copies all rows of `source` into `target` by column name and proves that none is missing.

    Fails RowsLost if an id is taken in `target` already: nothing is overwritten.
    """
    taken = ids(source, alias) & ids(target, alias)
    if taken:
        raise RowsLost(f"{target._meta.label} already has the ids {sorted(taken)}")
    columns = [field.attname for field in source._meta.concrete_fields]
    rows = source._default_manager.using(alias).order_by("pk").values(*columns)
    target._default_manager.using(alias).bulk_create(
        (target(**row) for row in rows.iterator(chunk_size=BATCH)), batch_size=BATCH
    )
    assert_moved(source, target, alias)


def assert_moved(source, target, alias):
    """Fails RowsLost unless every id of `source` is in `target`."""
    missing = ids(source, alias) - ids(target, alias)
    if missing:
        raise RowsLost(f"ids {sorted(missing)} of {source._meta.label} did not arrive")


def ids(model, alias):
    """The primary keys of all rows."""
    return set(model._default_manager.using(alias).values_list("pk", flat=True))


def assert_empty(model, alias):
    """Fails RowsLost if `model` still has rows: its table must not be dropped then.

    They can only have been written since the move, by a release that still used the old model.
    """
    left = model._default_manager.using(alias).count()
    if left:
        raise RowsLost(f"{left} rows of {model._meta.label} were written after the move")


def clear_rows(models, alias):
    """Deletes all rows of `models`, which were copied; those that refer to others come first."""
    for model in models:
        model._default_manager.using(alias).all().delete()


def restart_counters(models, connection):
    """Lets the next row of each model get an id above all that were copied.

    PostgreSQL's sequences do not notice ids that were given explicitly.
    """
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), models):
            cursor.execute(statement)
