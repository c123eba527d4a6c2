#include "count/control.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "count/metrics.h"
#include "count/stats_json.h"
#include "tree/inodes.h"

/* Snapshots at the same time, and the bytes of all. Beyond either the least recently used ones
 * are dropped; LEAST_SNAPSHOTS stay whatever their size. */
#define MAX_SNAPSHOTS 1024
#define MAX_BYTES ((size_t)4 << 20)
#define LEAST_SNAPSHOTS 16

typedef struct {
    size_t file; /* which of the table */
    pid_t caller;
} Key;

typedef struct {
    uint64_t ino;
    uint64_t known; /* look-ups that the kernel has not forgotten */
    char *text;
    size_t length;
    time_t made;
    Key key;
    bool is_unread; /* and found by its key */
    GList link;     /* in the order of their last use */
} Snapshot;

struct ArecfsControl {
    ArecfsControlOptions options;
    pthread_mutex_t lock;
    GHashTable *snapshots; /* &ino -> Snapshot; guarded by the lock, as all below */
    GHashTable *unread;    /* &key -> Snapshot */
    GQueue order;          /* of Snapshot, the least recently used first */
    size_t n_bytes;        /* of all texts */
    uint64_t next_ino;
};

/* ---- the files ---- */

static char *
make_damages (const ArecfsControlOptions *options)
{
    return arecfs_damage_log_to_json (options->damage, options->tree);
}

static char *
make_log (const ArecfsControlOptions *options)
{
    (void)options;
    return arecfs_log_text();
}

static char *
make_metrics (const ArecfsControlOptions *options)
{
    ArecEngineStats stats;

    arec_engine_get_stats (options->engine, &stats);
    return arecfs_metrics_text (options->counters, &stats);
}

static char *
make_stats (const ArecfsControlOptions *options)
{
    ArecEngineStats stats;

    arec_engine_get_stats (options->engine, &stats);
    return arecfs_stats_json_text (options->counters, &stats);
}

/* Each text has a bounded size. Any thread makes it, without the lock. */
static const struct {
    const char *name;
    char *(*make) (const ArecfsControlOptions *options); /* g_free () */
} files[] = {
    {"damages.json", make_damages},
    {"log", make_log},
    {"metrics", make_metrics},
    {"stats.json", make_stats},
};

/* The number of the file @name; G_N_ELEMENTS (files): there is none. */
static size_t
find_file (const char *name)
{
    size_t file = 0;

    while (file < G_N_ELEMENTS (files) && strcmp (name, files[file].name) != 0) {
        file++;
    }
    return file;
}

const char *
arecfs_control_name (size_t i)
{
    return i < G_N_ELEMENTS (files) ? files[i].name : NULL;
}

/* ---- snapshots ---- */

static guint
hash_key (gconstpointer data)
{
    const Key *key = data;

    return (guint)key->caller * (guint)G_N_ELEMENTS (files) + (guint)key->file;
}

static gboolean
keys_are_equal (gconstpointer a, gconstpointer b)
{
    const Key *x = a, *y = b;

    return x->file == y->file && x->caller == y->caller;
}

static void
free_snapshot (gpointer data)
{
    Snapshot *snapshot = data;

    g_free (snapshot->text);
    g_free (snapshot);
}

ArecfsControl *
arecfs_control_new (const ArecfsControlOptions *options)
{
    ArecfsControl *control = g_new0 (ArecfsControl, 1);

    control->options = *options;
    pthread_mutex_init (&control->lock, NULL);
    control->snapshots =
        g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_snapshot);
    control->unread = g_hash_table_new (hash_key, keys_are_equal);
    g_queue_init (&control->order);
    control->next_ino = ARECFS_INO_CONTROL + 1;
    return control;
}

void
arecfs_control_free (ArecfsControl *control)
{
    if (!control) {
        return;
    }
    g_hash_table_unref (control->unread);
    g_hash_table_unref (control->snapshots);
    pthread_mutex_destroy (&control->lock);
    g_free (control);
}

/* No look-up finds @snapshot by its key any more. */
static void
mark_read_locked (ArecfsControl *control, Snapshot *snapshot)
{
    if (snapshot->is_unread) {
        snapshot->is_unread = false;
        g_hash_table_remove (control->unread, &snapshot->key);
    }
}

static void
remove_locked (ArecfsControl *control, Snapshot *snapshot)
{
    mark_read_locked (control, snapshot);
    g_queue_unlink (&control->order, &snapshot->link);
    control->n_bytes -= snapshot->length;
    g_hash_table_remove (control->snapshots, &snapshot->ino);
}

static Snapshot *
find_locked (ArecfsControl *control, uint64_t ino)
{
    return g_hash_table_lookup (control->snapshots, &ino);
}

static void
use_locked (ArecfsControl *control, Snapshot *snapshot)
{
    g_queue_unlink (&control->order, &snapshot->link);
    g_queue_push_tail_link (&control->order, &snapshot->link);
}

static bool
are_too_many_locked (const ArecfsControl *control)
{
    guint n = g_queue_get_length ((GQueue *)&control->order);

    return n > MAX_SNAPSHOTS || (control->n_bytes > MAX_BYTES && n > LEAST_SNAPSHOTS);
}

/* Drops the least recently used snapshots until the others are within the bounds. */
static void
trim_locked (ArecfsControl *control)
{
    while (are_too_many_locked (control)) {
        remove_locked (control, g_queue_peek_head (&control->order));
    }
}

/* A new snapshot. The caller of its key, unless that is 0, finds it until it is read. */
static Snapshot *
add_locked (ArecfsControl *control, const Key *key)
{
    Snapshot *snapshot = g_new0 (Snapshot, 1);

    snapshot->ino = control->next_ino++;
    snapshot->key = *key;
    snapshot->link.data = snapshot;
    g_hash_table_insert (control->snapshots, &snapshot->ino, snapshot);
    g_queue_push_tail_link (&control->order, &snapshot->link);
    if (key->caller != 0) {
        snapshot->is_unread = true;
        g_hash_table_insert (control->unread, &snapshot->key, snapshot);
    }
    return snapshot;
}

/* @text  (transfer full) */
static void
fill_locked (ArecfsControl *control, Snapshot *snapshot, char *text)
{
    control->n_bytes -= snapshot->length;
    g_free (snapshot->text);
    snapshot->text = text;
    snapshot->length = strlen (text);
    snapshot->made = time (NULL);
    control->n_bytes += snapshot->length;
}

/* ---- for the operations ---- */

uint64_t
arecfs_control_lookup (ArecfsControl *control, const char *name, pid_t caller)
{
    Key key = {find_file (name), caller};
    Snapshot *snapshot;
    uint64_t ino;
    char *text;

    if (key.file == G_N_ELEMENTS (files)) {
        return 0;
    }
    text = files[key.file].make (&control->options);
    pthread_mutex_lock (&control->lock);
    snapshot = g_hash_table_lookup (control->unread, &key);
    if (snapshot) {
        use_locked (control, snapshot);
    } else {
        snapshot = add_locked (control, &key);
    }
    fill_locked (control, snapshot, text);
    snapshot->known++;
    ino = snapshot->ino;
    trim_locked (control);
    pthread_mutex_unlock (&control->lock);
    return ino;
}

void
arecfs_control_forget (ArecfsControl *control, uint64_t ino, uint64_t n)
{
    Snapshot *snapshot;

    pthread_mutex_lock (&control->lock);
    snapshot = find_locked (control, ino);
    if (snapshot) {
        snapshot->known -= MIN (n, snapshot->known);
        if (snapshot->known == 0) {
            remove_locked (control, snapshot);
        }
    }
    pthread_mutex_unlock (&control->lock);
}

bool
arecfs_control_stat (ArecfsControl *control, uint64_t ino, struct stat *st)
{
    const Snapshot *snapshot = NULL;
    bool is_directory = ino == ARECFS_INO_CONTROL;

    *st = (struct stat){.st_ino = ino,
                        .st_mode = is_directory ? S_IFDIR | 0555 : S_IFREG | 0444,
                        .st_uid = getuid(),
                        .st_gid = getgid(),
                        .st_nlink = is_directory ? 2 : 1,
                        .st_mtim.tv_sec = control->options.counters->started};
    arecfs_ownership_apply (&control->options.ownership, st);
    if (!is_directory) {
        pthread_mutex_lock (&control->lock);
        snapshot = find_locked (control, ino);
        if (snapshot) {
            st->st_size = (off_t)snapshot->length;
            st->st_blocks = (blkcnt_t)(snapshot->length + 511) / 512;
            st->st_mtim.tv_sec = snapshot->made;
        }
        pthread_mutex_unlock (&control->lock);
    }
    st->st_ctim = st->st_atim = st->st_mtim;
    return is_directory || snapshot;
}

char *
arecfs_control_read (ArecfsControl *control, uint64_t ino, uint64_t offset, size_t size,
                     size_t *got)
{
    Snapshot *snapshot;
    char *copy = NULL;

    pthread_mutex_lock (&control->lock);
    snapshot = find_locked (control, ino);
    if (snapshot) {
        mark_read_locked (control, snapshot);
        use_locked (control, snapshot);
        offset = MIN (offset, snapshot->length);
        *got = MIN (size, snapshot->length - offset);
        copy = g_malloc (*got + 1);
        memcpy (copy, snapshot->text + offset, *got);
    }
    pthread_mutex_unlock (&control->lock);
    return copy;
}
