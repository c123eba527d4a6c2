#include "control.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "inodes.h"
#include "log.h"

typedef struct {
    uint64_t ino;
    uint64_t known; /* look-ups that the kernel has not forgotten */
    char *text;
    size_t length;
    time_t made;
    size_t file; /* which of them */
    pid_t caller;
    bool is_read;
} Snapshot;

struct ArecfsControl {
    const ArecfsCounters *counters;
    ArecEngine *engine;
    ArecfsDamageLog *damage;
    ArecfsTree *tree;
    pthread_mutex_t lock;
    GHashTable *snapshots; /* &ino -> Snapshot */
    uint64_t next_ino;
};

static char *
make_damages (const ArecfsControl *control)
{
    return arecfs_damage_log_to_json (control->damage, control->tree);
}

static char *
make_log (const ArecfsControl *control)
{
    (void)control;
    return arecfs_log_text();
}

static char *
make_metrics (const ArecfsControl *control)
{
    ArecEngineStats stats;

    arec_engine_get_stats (control->engine, &stats);
    return arecfs_counters_to_metrics (control->counters, &stats);
}

static char *
make_stats (const ArecfsControl *control)
{
    ArecEngineStats stats;

    arec_engine_get_stats (control->engine, &stats);
    return arecfs_counters_to_json (control->counters, &stats);
}

/* Texts are made with no lock held. */
static const struct {
    const char *name;
    char *(*make) (const ArecfsControl *control);
} files[] = {
    {"damages.json", make_damages},
    {"log", make_log},
    {"metrics", make_metrics},
    {"stats.json", make_stats},
};

static void
free_snapshot (gpointer data)
{
    Snapshot *snapshot = data;

    g_free (snapshot->text);
    g_free (snapshot);
}

ArecfsControl *
arecfs_control_new (const ArecfsCounters *counters, ArecEngine *engine, ArecfsDamageLog *damage,
                    ArecfsTree *tree)
{
    ArecfsControl *control = g_new0 (ArecfsControl, 1);

    control->counters = counters;
    control->engine = engine;
    control->damage = damage;
    control->tree = tree;
    pthread_mutex_init (&control->lock, NULL);
    control->snapshots =
        g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, free_snapshot);
    control->next_ino = ARECFS_INO_CONTROL + 1;
    return control;
}

void
arecfs_control_free (ArecfsControl *control)
{
    if (!control) {
        return;
    }
    g_hash_table_unref (control->snapshots);
    pthread_mutex_destroy (&control->lock);
    g_free (control);
}

const char *
arecfs_control_name (size_t i)
{
    return i < G_N_ELEMENTS (files) ? files[i].name : NULL;
}

/* What @caller has looked up and nobody has read; NULL: nothing. */
static Snapshot *
find_unread_locked (ArecfsControl *control, size_t file, pid_t caller)
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init (&iter, control->snapshots);
    while (g_hash_table_iter_next (&iter, NULL, &value)) {
        Snapshot *snapshot = value;

        if (snapshot->file == file && snapshot->caller == caller && !snapshot->is_read) {
            return snapshot;
        }
    }
    return NULL;
}

static Snapshot *
add_node_locked (ArecfsControl *control, size_t file, pid_t caller)
{
    Snapshot *snapshot = g_new0 (Snapshot, 1);

    snapshot->ino = control->next_ino++;
    snapshot->file = file;
    snapshot->caller = caller;
    g_hash_table_insert (control->snapshots, &snapshot->ino, snapshot);
    return snapshot;
}

/* @text  taken over. */
static void
fill_locked (Snapshot *snapshot, char *text)
{
    g_free (snapshot->text);
    snapshot->text = text;
    snapshot->length = strlen (snapshot->text);
    snapshot->made = time (NULL);
}

uint64_t
arecfs_control_lookup (ArecfsControl *control, const char *name, pid_t caller)
{
    Snapshot *snapshot;
    uint64_t ino;
    size_t file = 0;
    char *text;

    while (file < G_N_ELEMENTS (files) && strcmp (name, files[file].name) != 0) {
        file++;
    }
    if (file == G_N_ELEMENTS (files)) {
        return 0;
    }
    text = files[file].make (control);
    pthread_mutex_lock (&control->lock);
    snapshot = caller != 0 ? find_unread_locked (control, file, caller) : NULL;
    if (!snapshot) {
        snapshot = add_node_locked (control, file, caller);
    }
    fill_locked (snapshot, text);
    snapshot->known++;
    ino = snapshot->ino;
    pthread_mutex_unlock (&control->lock);
    return ino;
}

void
arecfs_control_forget (ArecfsControl *control, uint64_t ino, uint64_t n)
{
    Snapshot *snapshot;

    pthread_mutex_lock (&control->lock);
    snapshot = g_hash_table_lookup (control->snapshots, &ino);
    if (snapshot) {
        snapshot->known -= MIN (n, snapshot->known);
        if (snapshot->known == 0) {
            g_hash_table_remove (control->snapshots, &ino);
        }
    }
    pthread_mutex_unlock (&control->lock);
}

bool
arecfs_control_stat (ArecfsControl *control, uint64_t ino, struct stat *st)
{
    const Snapshot *snapshot;

    *st = (struct stat){.st_ino = ino, .st_uid = getuid(), .st_gid = getgid(), .st_nlink = 2};
    if (ino == ARECFS_INO_CONTROL) {
        st->st_mode = S_IFDIR | 0555;
        st->st_mtim.tv_sec = st->st_ctim.tv_sec = st->st_atim.tv_sec =
            control->counters->started;
        return true;
    }
    pthread_mutex_lock (&control->lock);
    snapshot = g_hash_table_lookup (control->snapshots, &ino);
    if (snapshot) {
        st->st_mode = S_IFREG | 0444;
        st->st_nlink = 1;
        st->st_size = (off_t)snapshot->length;
        st->st_blocks = (blkcnt_t)(snapshot->length + 511) / 512;
        st->st_mtim.tv_sec = st->st_ctim.tv_sec = st->st_atim.tv_sec = snapshot->made;
    }
    pthread_mutex_unlock (&control->lock);
    return snapshot != NULL;
}

char *
arecfs_control_read (ArecfsControl *control, uint64_t ino, uint64_t offset, size_t size,
                     size_t *got)
{
    Snapshot *snapshot;
    char *copy = NULL;

    pthread_mutex_lock (&control->lock);
    snapshot = g_hash_table_lookup (control->snapshots, &ino);
    if (snapshot) {
        snapshot->is_read = true;
        offset = MIN (offset, snapshot->length);
        *got = MIN (size, snapshot->length - offset);
        copy = g_malloc (*got + 1);
        memcpy (copy, snapshot->text + offset, *got);
    }
    pthread_mutex_unlock (&control->lock);
    return copy;
}
