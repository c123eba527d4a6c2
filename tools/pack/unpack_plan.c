#include "pack/unpack_plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <arec/arec.h>

#include "pack/safe_name.h"

struct ToolUnpackPlan {
    uint64_t n_records;
    const char **names; /* safe ones; NULL: the record has none */
    uint8_t *uses;      /* ToolNameUse */
    uint64_t *sorted;   /* records with a safe name, by name and number */
    uint64_t n_sorted;
    GStringChunk *own; /* names that had parts `.` */
};

/* The order of the bytes, but for slashes, which come first: so what lies below a path follows
 * it at once. */
static int
compare_paths (const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    if (*a == *b || *a == '\0' || *b == '\0') {
        return (*a != '\0') - (*b != '\0');
    }
    if (*a == '/' || *b == '/') {
        return *a == '/' ? -1 : 1;
    }
    return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

static int
compare_records (const void *a, const void *b, void *data)
{
    const char *const *names = data;
    uint64_t one = *(const uint64_t *)a, other = *(const uint64_t *)b;
    int order = compare_paths (names[one], names[other]);

    return order != 0 ? order : (one > other) - (one < other);
}

static bool
is_below (const char *path, const char *folder)
{
    size_t length = strlen (folder);

    return strncmp (path, folder, length) == 0 && path[length] == '/';
}

/* ---- making ---- */

static bool
reserve (ToolUnpackPlan *plan, GError **error)
{
    plan->names = g_try_new0 (const char *, plan->n_records);
    plan->uses = g_try_new0 (uint8_t, plan->n_records);
    plan->sorted = g_try_new (uint64_t, plan->n_records);
    return plan->n_records == 0 || (plan->names && plan->uses && plan->sorted) ||
           arec_fail (error, AREC_ERROR_NOMEM, "no memory for the names of %" PRIu64 " records",
                      plan->n_records);
}

static void
take_name (ToolUnpackPlan *plan, uint64_t record, const char *name, size_t max_part)
{
    g_autofree char *without_dots = NULL;

    if (!name || name[0] == '\0') {
        return;
    }
    if (tool_safe_name_fault (name, max_part)) {
        plan->uses[record] = TOOL_NAME_UNSAFE;
        return;
    }
    without_dots = tool_safe_name_without_dots (name);
    plan->names[record] = without_dots ? g_string_chunk_insert (plan->own, without_dots) : name;
    plan->sorted[plan->n_sorted++] = record;
}

/* Judges the records [first, end) of the order, which have the same name. */
static void
judge_equals (ToolUnpackPlan *plan, uint64_t first, uint64_t end)
{
    const char *name = plan->names[plan->sorted[first]];
    bool is_directory = end < plan->n_sorted && is_below (plan->names[plan->sorted[end]], name);

    for (uint64_t i = first; i < end; i++) {
        plan->uses[plan->sorted[i]] = is_directory ? TOOL_NAME_DIRECTORY
                                      : i > first  ? TOOL_NAME_AGAIN
                                                   : TOOL_NAME_USED;
    }
}

static void
judge (ToolUnpackPlan *plan)
{
    for (uint64_t first = 0, end; first < plan->n_sorted; first = end) {
        end = first + 1;
        while (end < plan->n_sorted &&
               strcmp (plan->names[plan->sorted[first]], plan->names[plan->sorted[end]]) == 0) {
            end++;
        }
        judge_equals (plan, first, end);
    }
}

ToolUnpackPlan *
tool_unpack_plan_new (uint64_t n_records, const char *(*name_of) (void *data, uint64_t record),
                      void *data, size_t max_part, GError **error)
{
    g_autoptr (ToolUnpackPlan) plan = g_new0 (ToolUnpackPlan, 1);

    plan->n_records = n_records;
    plan->own = g_string_chunk_new (4096);
    if (!reserve (plan, error)) {
        return NULL;
    }
    for (uint64_t i = 0; i < n_records; i++) {
        take_name (plan, i, name_of (data, i), max_part);
    }
    if (plan->n_sorted > 0) {
        qsort_r (plan->sorted, plan->n_sorted, sizeof *plan->sorted, compare_records,
                 plan->names);
    }
    judge (plan);
    return g_steal_pointer (&plan);
}

void
tool_unpack_plan_free (ToolUnpackPlan *plan)
{
    if (plan) {
        g_string_chunk_free (plan->own);
        g_free (plan->names);
        g_free (plan->uses);
        g_free (plan->sorted);
        g_free (plan);
    }
}

/* ---- asking ---- */

ToolNameUse
tool_unpack_plan_get (const ToolUnpackPlan *plan, uint64_t record, const char **name)
{
    g_assert (record < plan->n_records);
    *name = plan->names[record];
    return (ToolNameUse)plan->uses[record];
}

bool
tool_unpack_plan_is_taken (const ToolUnpackPlan *plan, const char *path)
{
    uint64_t low = 0, high = plan->n_sorted;
    const char *found;

    /* The first name that does not come before @path. */
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (compare_paths (plan->names[plan->sorted[middle]], path) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == plan->n_sorted) {
        return false;
    }
    found = plan->names[plan->sorted[low]];
    return strcmp (found, path) == 0 || is_below (found, path);
}
