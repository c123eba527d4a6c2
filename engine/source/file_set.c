#include "source/file_set.h"

#include <sys/resource.h>

#include "base/error.h"
#include "base/thread.h"
#include "source/file_sink.h"

/* Of the descriptors that the process may have, files that wait for their names take one in so
 * many at most. */
#define DESCRIPTORS_PER_FILE 2

/* Names that a message gives. */
#define MAX_NAMED 5

struct ArecFileSet {
    GPtrArray *sinks;
    ArecCommitPoint point;
};

ArecFileSet *
arec_file_set_new (void)
{
    ArecFileSet *set = g_new0 (ArecFileSet, 1);

    set->sinks = g_ptr_array_new();
    return set;
}

static ArecSink *
sink_of (const ArecFileSet *set, size_t i)
{
    return g_ptr_array_index (set->sinks, i);
}

/* The first one goes last: its directory is that of the others. */
void
arec_file_set_free (ArecFileSet *set)
{
    if (!set) {
        return;
    }
    for (size_t i = set->sinks->len; i > 0; i--) {
        arec_sink_free (sink_of (set, i - 1));
    }
    g_ptr_array_unref (set->sinks);
    g_free (set);
}

static bool
has_many_descriptors (const ArecFileSet *set)
{
    struct rlimit limit;

    return getrlimit (RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           set->sinks->len >= limit.rlim_cur / DESCRIPTORS_PER_FILE;
}

bool
arec_file_set_add (ArecFileSet *set, ArecSink *sink, GError **error)
{
    bool is_one_too_many = has_many_descriptors (set);

    g_ptr_array_add (set->sinks, sink);
    if (set->sinks->len > 1) {
        arec_file_sink_share_folder (sink, sink_of (set, 0));
    }
    return !is_one_too_many || arec_file_sink_park (sink, error);
}

bool
arec_file_set_set_path (ArecFileSet *set, size_t i, const char *path, GError **error)
{
    return arec_file_sink_set_path (sink_of (set, i), path, error);
}

/* ---- commit ---- */

static bool
place (ArecFileSet *set, GError **error)
{
    for (size_t i = 0; i < set->sinks->len; i++) {
        if (!arec_file_sink_place (sink_of (set, i), &set->point, error)) {
            return false;
        }
    }
    return true;
}

/* Each directory once; nearly always there is one. */
static bool
sync_names (ArecFileSet *set, GError **error)
{
    for (size_t i = 0; i < set->sinks->len; i++) {
        ArecSink *sink = sink_of (set, i);

        if ((i == 0 || !arec_file_sink_shares_folder (sink, sink_of (set, i - 1))) &&
            !arec_file_sink_sync_name (sink, error)) {
            return false;
        }
    }
    return true;
}

/* Removes the files that are replaced. Once one is gone, nothing can be taken back; what cannot
 * be removed then keeps a hidden name.
 * @is_back  (out) whether the names may still be taken back. */
static bool
keep (ArecFileSet *set, bool *is_back, GError **error)
{
    GError *failure = NULL;
    sigset_t before;

    *is_back = false;
    arec_thread_hold_signals (&before);
    set->point.has_come = true;
    for (size_t i = 0; i < set->sinks->len; i++) {
        if (arec_file_sink_keep (sink_of (set, i), failure ? NULL : &failure)) {
            continue;
        }
        if (i == 0) {
            set->point.has_come = false;
            *is_back = true;
            break;
        }
    }
    if (set->point.has_come) {
        arec_outputs_add_complete();
    }
    arec_thread_release_signals (&before);
    if (failure) {
        g_propagate_error (error, failure);
    }
    return !failure;
}

/* Takes all names back, the last one first. Returns which stay, for a message, (transfer full);
 * NULL: none. */
static char *
take_back (ArecFileSet *set)
{
    g_autoptr (GString) names = g_string_new (NULL);
    size_t n = 0;

    for (size_t i = set->sinks->len; i > 0; i--) {
        const ArecSink *sink = sink_of (set, i - 1);

        if (arec_file_sink_take_back (sink_of (set, i - 1))) {
            continue;
        }
        if (n++ < MAX_NAMED) {
            g_string_prepend (names, n > 1 ? ", " : "");
            g_string_prepend (names, sink->name);
        }
    }
    if (n > MAX_NAMED) {
        g_string_append_printf (names, " and %zu more", n - MAX_NAMED);
    }
    return n > 0 ? g_strconcat ("these files are there: ", names->str, NULL) : NULL;
}

/* @cause  (transfer full)
 * @there  (nullable) which files are there all the same */
static bool
fail (GError *cause, const char *there, GError **error)
{
    if (!there) {
        g_propagate_error (error, cause);
        return false;
    }
    arec_fail (error, (ArecError)cause->code, "%s; %s", cause->message, there);
    g_error_free (cause);
    return false;
}

bool
arec_file_set_commit (ArecFileSet *set, GError **error)
{
    GError *cause = NULL;
    g_autofree char *there = NULL;
    bool is_back = true;

    if (place (set, &cause) && sync_names (set, &cause) && keep (set, &is_back, &cause)) {
        return true;
    }
    there = is_back ? take_back (set) : g_strdup ("all files are there");
    return fail (cause, there, error);
}
