#include "naming/shard_sets.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include <arec/sources.h>

/* Digits of a shard's number: at least and at most. */
enum { MIN_DIGITS = 5, MAX_DIGITS = 9 };
/* Shards that a message names one by one. */
#define MAX_NAMED 5

#define OF "-of-"

/* The shards of one name and one total. */
typedef struct {
    char *key;     /* the directory, and the name without number and total */
    char *front;   /* of a path: the part before the number */
    char *back;    /* the part after the total */
    char *total;   /* as it is written */
    GArray *whole; /* uint32_t, numbers of files that were given as a whole */
    GArray *parts; /* numbers of files of which a range was given */
    bool is_found; /* some were not named one by one */
} Set;

struct ArecShardSets {
    GHashTable *by_name; /* of Set, by directory, front, total and back */
};

static void
free_set (void *data)
{
    Set *set = data;

    g_free (set->key);
    g_free (set->front);
    g_free (set->back);
    g_free (set->total);
    g_array_unref (set->whole);
    g_array_unref (set->parts);
    g_free (set);
}

ArecShardSets *
arec_shard_sets_new (void)
{
    ArecShardSets *sets = g_new0 (ArecShardSets, 1);

    sets->by_name = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, free_set);
    return sets;
}

void
arec_shard_sets_free (ArecShardSets *sets)
{
    if (!sets) {
        return;
    }
    g_hash_table_unref (sets->by_name);
    g_free (sets);
}

/* ---- names ---- */

/* A path taken apart: FRONT NUMBER `-of-` TOTAL BACK. */
typedef struct {
    size_t number; /* where it begins */
    size_t total;  /* where it begins */
    size_t back;   /* where it begins */
} ShardName;

/* Decimal digits at the end of @text, @length bytes long. */
static size_t
digits_before (const char *text, size_t length)
{
    size_t n = 0;

    while (n < length && g_ascii_isdigit (text[length - n - 1])) {
        n++;
    }
    return n;
}

/* Splits @path, whose last component begins at @name. false: the name is not a shard's. */
static bool
take_apart (const char *path, const char *name, ShardName *shard)
{
    const char *of = g_strrstr (name, OF);
    size_t n_number, n_total;

    if (!of) {
        return false;
    }
    n_number = digits_before (name, (size_t)(of - name));
    n_total = strspn (of + strlen (OF), "0123456789");
    if (n_number < MIN_DIGITS || n_number > MAX_DIGITS || n_total < MIN_DIGITS ||
        n_total > MAX_DIGITS || of - n_number == name || of[-(ptrdiff_t)n_number - 1] != '-') {
        return false;
    }
    shard->number = (size_t)(of - path) - n_number;
    shard->total = (size_t)(of - path) + strlen (OF);
    shard->back = shard->total + n_total;
    return true;
}

/* The key of a shard's set: everything of the name but the number and the total. */
static char *
key_of (const char *directory, const char *path, const char *name, const ShardName *shard)
{
    return g_strdup_printf ("%s/%.*s/%s", directory,
                            (int)(shard->number - (size_t)(name - path)), name,
                            path + shard->back);
}

char *
arec_source_shard_set (const char *path)
{
    const char *slash = strrchr (path, '/');
    g_autofree char *marks = NULL;
    ShardName shard;

    if (!take_apart (path, slash ? slash + 1 : path, &shard)) {
        return NULL;
    }
    marks = g_strnfill (shard.back - shard.total, '?');
    return g_strdup_printf ("%.*s%s%s%s", (int)shard.number, path, marks, OF,
                            path + shard.total);
}

void
arec_shard_sets_add (ArecShardSets *sets, const char *directory, const char *path,
                     bool is_named, bool is_part)
{
    const char *slash = strrchr (path, '/'), *name = slash ? slash + 1 : path;
    g_autofree char *key = NULL, *full = NULL, *total = NULL;
    ShardName shard;
    uint32_t number;
    Set *set;

    if (!take_apart (path, name, &shard)) {
        return;
    }
    key = key_of (directory, path, name, &shard);
    total = g_strndup (path + shard.total, shard.back - shard.total);
    full = g_strconcat (key, "/", total, NULL);
    set = g_hash_table_lookup (sets->by_name, full);
    if (!set) {
        set = g_new0 (Set, 1);
        set->key = g_steal_pointer (&key);
        set->front = g_strndup (path, shard.number);
        set->back = g_strdup (path + shard.back);
        set->total = g_steal_pointer (&total);
        set->whole = g_array_new (FALSE, FALSE, sizeof (uint32_t));
        set->parts = g_array_new (FALSE, FALSE, sizeof (uint32_t));
        g_hash_table_insert (sets->by_name, g_steal_pointer (&full), set);
    }
    set->is_found |= !is_named;
    number = (uint32_t)g_ascii_strtoull (path + shard.number, NULL, 10);
    g_array_append_val (is_part ? set->parts : set->whole, number);
}

/* ---- faults ---- */

/* Shards of a set that have one kind of fault. */
typedef struct {
    const Set *set;
    uint64_t n;
    GString *names; /* of the first few */
} Faulty;

static void
name_shards (Faulty *faulty, uint64_t first, uint64_t end)
{
    const char *slash = strrchr (faulty->set->front, '/');

    for (uint64_t i = first; i < end && faulty->n + (i - first) < MAX_NAMED; i++) {
        g_string_append_printf (
            faulty->names, "%s%s%0*" PRIu64 OF "%s%s", faulty->names->len > 0 ? ", " : "",
            slash ? slash + 1 : faulty->set->front, (int)strlen (faulty->set->total), i,
            faulty->set->total, faulty->set->back);
    }
    faulty->n += end - first;
}

/* Adds `N shards WHAT: names` to @reason, if N > 0. Frees the names. */
static void
append_faulty (Faulty *faulty, GString *reason, const char *what_one, const char *what_many)
{
    if (faulty->n > 0) {
        g_string_append_printf (reason, "%s%" PRIu64 " %s: %s", reason->len > 0 ? "; " : "",
                                faulty->n, faulty->n == 1 ? what_one : what_many,
                                faulty->names->str);
    }
    if (faulty->n > MAX_NAMED) {
        g_string_append_printf (reason, " and %" PRIu64 " more", faulty->n - MAX_NAMED);
    }
    g_string_free (faulty->names, TRUE);
}

static int
compare_numbers (const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* Finds numbers that are in @sorted more than once. */
static void
find_twice (Faulty *twice, const GArray *sorted)
{
    for (guint i = 1; i < sorted->len; i++) {
        uint64_t number = g_array_index (sorted, uint32_t, i);

        if (number == g_array_index (sorted, uint32_t, i - 1) &&
            (i < 2 || number != g_array_index (sorted, uint32_t, i - 2))) {
            name_shards (twice, number, number + 1);
        }
    }
}

/* Finds numbers in [0, @total) that are not in @sorted, and numbers in it that are too high. */
static void
find_holes (Faulty *missing, Faulty *extra, const GArray *sorted, uint64_t total)
{
    uint64_t next = 0;

    for (guint i = 0; i < sorted->len; i++) {
        uint64_t number = g_array_index (sorted, uint32_t, i);

        if (next < total) {
            name_shards (missing, next, MAX (next, MIN (number, total)));
        }
        if (number >= total && number >= next) {
            name_shards (extra, number, number + 1);
        }
        next = MAX (next, number + 1);
    }
    if (next < total) {
        name_shards (missing, next, total);
    }
}

/* The faults of @set as text, empty if there are none. g_string_free (). */
static GString *
faults_of (const Set *set)
{
    g_autoptr (GArray) numbers = g_array_copy (set->whole);
    Faulty missing = {.set = set, .names = g_string_new (NULL)};
    Faulty twice = {.set = set, .names = g_string_new (NULL)};
    Faulty extra = {.set = set, .names = g_string_new (NULL)};
    GString *reason = g_string_new (NULL);

    g_array_sort (numbers, compare_numbers);
    find_twice (&twice, numbers);
    g_array_append_vals (numbers, set->parts->data, set->parts->len);
    g_array_sort (numbers, compare_numbers);
    find_holes (&missing, &extra, numbers, g_ascii_strtoull (set->total, NULL, 10));
    append_faulty (&missing, reason, "shard is missing", "shards are missing");
    append_faulty (&twice, reason, "shard is there twice", "shards are there twice");
    append_faulty (&extra, reason, "shard has a number beyond the last",
                   "shards have numbers beyond the last");
    return reason;
}

static char *
pattern_of (const Set *set)
{
    g_autofree char *marks = g_strnfill (strlen (set->total), '?');

    return g_strconcat (set->front, marks, OF, set->total, set->back, NULL);
}

static int
compare_sets (const void *a, const void *b)
{
    const Set *x = *(const Set *const *)a, *y = *(const Set *const *)b;
    int order = strcmp (x->front, y->front);

    order = order != 0 ? order : strcmp (x->key, y->key);
    return order != 0 ? order : strcmp (x->total, y->total);
}

/* Reports sets [first, end) of @sets, which differ only in their totals, if there are several.
 */
static void
check_totals (const GPtrArray *sets, guint first, guint end, ArecShardSetFault fault,
              void *data)
{
    const Set *set = g_ptr_array_index (sets, first);
    g_autofree char *pattern = g_strconcat (set->front, "*" OF "*", set->back, NULL);
    g_autoptr (GString) reason = g_string_new ("shards of several sets:");

    if (end - first < 2) {
        return;
    }
    for (guint i = first; i < end && i - first < MAX_NAMED; i++) {
        const Set *one = g_ptr_array_index (sets, i);

        g_string_append_printf (reason, "%s %u of %s", i > first ? "," : "",
                                one->whole->len + one->parts->len, one->total);
    }
    if (end - first > MAX_NAMED) {
        g_string_append_printf (reason, " and %u more", end - first - MAX_NAMED);
    }
    fault (data, pattern, reason->str);
}

void
arec_shard_sets_check (ArecShardSets *sets, ArecShardSetFault fault, void *data)
{
    g_autoptr (GPtrArray) sorted = g_ptr_array_new();
    guint first = 0;
    GHashTableIter iter;
    gpointer one;

    g_hash_table_iter_init (&iter, sets->by_name);
    while (g_hash_table_iter_next (&iter, NULL, &one)) {
        g_ptr_array_add (sorted, one);
    }
    g_ptr_array_sort (sorted, compare_sets);
    for (guint i = 0; i < sorted->len; i++) {
        const Set *set = g_ptr_array_index (sorted, i),
                  *next = i + 1 < sorted->len ? g_ptr_array_index (sorted, i + 1) : NULL;
        g_autoptr (GString) reason = faults_of (set);

        if (reason->len > 0 && (set->is_found || set->whole->len > 1)) {
            g_autofree char *pattern = pattern_of (set);

            fault (data, pattern, reason->str);
        }
        if (!next || strcmp (next->key, set->key) != 0) {
            check_totals (sorted, first, i + 1, fault, data);
            first = i + 1;
        }
    }
}
