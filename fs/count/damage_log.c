#include "count/damage_log.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include <arec/text.h>

/* Other failures that are remembered. If a mount has more, some are logged twice. */
#define MAX_REMEMBERED 100000

/* A chunk of a file of a slot. In the key of a file the chunk is 0. */
typedef struct {
    uint64_t slot;
    size_t file;
    uint64_t chunk;
} Key;

/* A file with damages. */
typedef struct {
    Key key;
    uint64_t n_damages;
    uint64_t n_lost;     /* records */
    uint64_t n_left_out; /* damages of which nothing is kept */
} File;

/* A chunk that cannot be read. */
typedef struct {
    Key key;
    char *reason; /* NULL: nothing else is kept of it */
    uint64_t offset, length, first_record, n_records;
    uint64_t record; /* one of the chunk, as the reader numbers it */
} Damage;

/* How many lines of one kind were written in the current period. */
typedef struct {
    const char *noun;
    const char *hint;
    int64_t begun; /* microseconds; start of the period */
    unsigned n_lines;
    uint64_t n_left_out; /* in the period */
} Rate;

struct ArecfsDamageLog {
    pthread_mutex_t lock;
    /* Places, or messages without one, of failures that are not a damage of a chunk. */
    GHashTable *logged;
    GHashTable *chunks;         /* of Damage, by key */
    GHashTable *files;          /* of File, by key */
    _Atomic uint64_t n_damages; /* in `chunks`; read without the lock */
    Rate damages, failures;
};

/* ---- keys ---- */

static guint
hash_key (gconstpointer data)
{
    const Key *key = data;
    uint64_t hash = (key->slot * UINT64_C (0x9e3779b97f4a7c15)) ^ key->file;

    hash = ((hash ^ (hash >> 32)) * UINT64_C (0xd6e8feb86659fd93)) ^ key->chunk;
    hash *= UINT64_C (0x9e3779b97f4a7c15);
    return (guint)(hash ^ (hash >> 32));
}

static gboolean
is_same_key (gconstpointer a, gconstpointer b)
{
    const Key *x = a, *y = b;

    return x->slot == y->slot && x->file == y->file && x->chunk == y->chunk;
}

static void
free_damage (gpointer data)
{
    Damage *damage = data;

    g_free (damage->reason);
    g_free (damage);
}

/* ---- lines ---- */

/* Whether one more line may be written now. Where this starts a new period, *left_out is how
 * many lines were left out in the one before. *is_last: no more may follow in this period. */
static bool
may_log_locked (Rate *rate, uint64_t *left_out, bool *is_last)
{
    int64_t now = g_get_monotonic_time();

    *left_out = 0;
    if (rate->n_lines == 0 || now - rate->begun >= ARECFS_DAMAGE_PERIOD) {
        *left_out = rate->n_left_out;
        rate->begun = now;
        rate->n_lines = 0;
        rate->n_left_out = 0;
    }
    if (rate->n_lines == ARECFS_DAMAGE_LINES) {
        rate->n_left_out++;
        return false;
    }
    *is_last = ++rate->n_lines == ARECFS_DAMAGE_LINES;
    return true;
}

static void
log_left_out (const Rate *rate, uint64_t n)
{
    if (n > 0) {
        g_warning ("%" PRIu64 " more %s%s not logged%s", n, rate->noun, n == 1 ? "" : "s",
                   rate->hint);
    }
}

/* Called without the lock. */
static void
log_line (ArecfsDamageLog *log, Rate *rate, const char *line)
{
    uint64_t left_out;
    bool may, is_last = false;

    pthread_mutex_lock (&log->lock);
    may = may_log_locked (rate, &left_out, &is_last);
    pthread_mutex_unlock (&log->lock);
    log_left_out (rate, left_out);
    if (may) {
        g_warning ("%s", line);
    }
    if (is_last) {
        g_warning ("%u %ss logged: further ones are counted for a minute%s",
                   ARECFS_DAMAGE_LINES, rate->noun, rate->hint);
    }
}

ArecfsDamageLog *
arecfs_damage_log_new (void)
{
    ArecfsDamageLog *log = g_new0 (ArecfsDamageLog, 1);

    pthread_mutex_init (&log->lock, NULL);
    log->logged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    log->chunks = g_hash_table_new_full (hash_key, is_same_key, NULL, free_damage);
    log->files = g_hash_table_new_full (hash_key, is_same_key, NULL, g_free);
    log->damages = (Rate){.noun = "damage", .hint = "; see .arecfs/damages.json"};
    log->failures = (Rate){.noun = "failure", .hint = ""};
    return log;
}

void
arecfs_damage_log_free (ArecfsDamageLog *log)
{
    if (!log) {
        return;
    }
    log_left_out (&log->damages, log->damages.n_left_out);
    log_left_out (&log->failures, log->failures.n_left_out);
    g_hash_table_unref (log->logged);
    g_hash_table_unref (log->chunks);
    g_hash_table_unref (log->files);
    pthread_mutex_destroy (&log->lock);
    g_free (log);
}

/* ---- failures that are not a damage of a chunk ---- */

/* The key of a failure: source and offset, or the whole message if there is no offset.
 * g_free (). */
static char *
place_of (const GError *error)
{
    uint64_t offset;
    const char *reason;

    if (arec_error_place (error, &offset, &reason) &&
        g_str_has_suffix (error->message, reason)) {
        return g_strndup (error->message, strlen (error->message) - strlen (reason));
    }
    return g_strdup (error->message);
}

void
arecfs_damage_log_report (ArecfsDamageLog *log, const GError *error)
{
    bool is_new;

    pthread_mutex_lock (&log->lock);
    if (g_hash_table_size (log->logged) >= MAX_REMEMBERED) {
        g_hash_table_remove_all (log->logged);
    }
    is_new = g_hash_table_add (log->logged, place_of (error));
    pthread_mutex_unlock (&log->lock);
    if (is_new) {
        log_line (log, &log->failures, error->message);
    }
}

/* ---- damages ---- */

/* Once no more chunks can be remembered, all others count as known too. */
static bool
is_known_locked (const ArecfsDamageLog *log, const Key *key)
{
    return g_hash_table_contains (log->chunks, key) ||
           g_hash_table_size (log->chunks) >= ARECFS_DAMAGES_KNOWN;
}

static File *
file_of_locked (ArecfsDamageLog *log, const Key *key)
{
    Key whole = {key->slot, key->file, 0};
    File *file = g_hash_table_lookup (log->files, &whole);

    if (!file) {
        file = g_new0 (File, 1);
        file->key = whole;
        g_hash_table_insert (log->files, &file->key, file);
    }
    return file;
}

static void
add_locked (ArecfsDamageLog *log, const Key *key, uint64_t record, const ArecDamage *what)
{
    Damage *damage = g_new0 (Damage, 1);
    File *file = file_of_locked (log, key);

    damage->key = *key;
    file->n_damages++;
    if (g_hash_table_size (log->chunks) < ARECFS_DAMAGES_KEPT) {
        damage->reason = g_strdup (what->reason);
        damage->offset = what->offset;
        damage->length = what->length;
        damage->first_record = what->first_record;
    } else {
        file->n_left_out++;
    }
    damage->n_records = what->n_records;
    damage->record = record;
    file->n_lost += what->n_records;
    g_hash_table_insert (log->chunks, &damage->key, damage);
    log->n_damages++;
}

/* Forgets what is known of the chunk @key, which is sound. Returns whether it was listed. */
static bool
remove_locked (ArecfsDamageLog *log, const Key *key)
{
    const Damage *damage = g_hash_table_lookup (log->chunks, key);
    File *file;

    if (!damage) {
        return false;
    }
    file = file_of_locked (log, key);
    file->n_lost -= damage->n_records;
    file->n_left_out -= !damage->reason;
    g_hash_table_remove (log->chunks, key);
    log->n_damages--;
    if (--file->n_damages == 0) {
        g_hash_table_remove (log->files, &file->key);
    }
    return true;
}

/* The chunk of the record @node. */
static bool
key_of (const ArecfsNode *node, Key *key)
{
    ArecPlace place;

    if (!arec_reader_locate (node->file->reader, node->record, &place, NULL)) {
        return false;
    }
    *key = (Key){node->slot, place.file, place.chunk};
    return true;
}

/* The same, if @error is about its bytes. */
static bool
find_key (const ArecfsNode *node, const GError *error, Key *key)
{
    return arec_error_is_of_bytes (error) && key_of (node, key);
}

static bool
is_known (ArecfsDamageLog *log, const Key *key)
{
    bool known;

    pthread_mutex_lock (&log->lock);
    known = is_known_locked (log, key);
    pthread_mutex_unlock (&log->lock);
    return known;
}

/* `records 64:128 in a.array_record`: what is lost, as the mount numbers it. g_free (). */
static char *
describe_records (ArecfsTree *tree, const ArecfsNode *node, uint64_t first, uint64_t end)
{
    g_autofree char *above = NULL;
    ArecfsNode parent;
    bool is_root;

    arecfs_tree_parent (tree, node, &parent);
    above = arecfs_tree_describe (tree, parent.ino);
    is_root = strcmp (above, "/") == 0;
    return g_strdup_printf ("records %" PRIu64 ":%" PRIu64 "%s%s", first, end,
                            is_root ? "" : " in ", is_root ? "" : above + 1);
}

static void
log_damage (ArecfsDamageLog *log, ArecfsTree *tree, const ArecfsNode *node,
            const ArecChunkDamage *damage)
{
    g_autofree char *records = describe_records (tree, node, damage->first, damage->end);
    g_autofree char *line = NULL;
    ArecFileInfo info;

    arec_reader_file_info (node->file->reader, damage->file, &info);
    line = g_strdup_printf ("%s: at %" PRIu64 ": %s; %s lost", info.path, damage->damage.offset,
                            damage->damage.reason, records);
    log_line (log, &log->damages, line);
}

bool
arecfs_damage_log_report_node (ArecfsDamageLog *log, ArecfsTree *tree, const ArecfsNode *node,
                               const GError *error)
{
    g_auto (ArecChunkDamage) damage = {0};
    bool is_new;
    Key key;

    if (node->kind == ARECFS_RECORD && find_key (node, error, &key) && is_known (log, &key)) {
        return false;
    }
    if (node->kind != ARECFS_RECORD ||
        !arec_reader_damage (node->file->reader, node->record, error, &damage)) {
        arecfs_damage_log_report (log, error);
        return true;
    }
    key = (Key){node->slot, damage.file, damage.chunk};
    pthread_mutex_lock (&log->lock);
    is_new = !is_known_locked (log, &key);
    if (is_new) {
        add_locked (log, &key, node->record, &damage.damage);
    }
    pthread_mutex_unlock (&log->lock);
    if (is_new) {
        log_damage (log, tree, node, &damage);
    }
    return is_new;
}

/* ---- what was mended ---- */

void
arecfs_damage_log_note_read (ArecfsDamageLog *log, ArecfsTree *tree, const ArecfsNode *node)
{
    bool was_listed;
    Key key;

    if (atomic_load_explicit (&log->n_damages, memory_order_relaxed) == 0 ||
        !arec_reader_is_mended (node->file->reader, node->record) || !key_of (node, &key)) {
        return;
    }
    pthread_mutex_lock (&log->lock);
    was_listed = remove_locked (log, &key);
    pthread_mutex_unlock (&log->lock);
    if (was_listed) {
        g_autofree char *path = arecfs_tree_describe (tree, node->ino);

        g_info ("%s: its chunk was damaged, and reads well now", path);
    }
}

/* A record of each chunk that is listed. */
static GArray *
copy_records (ArecfsDamageLog *log)
{
    GArray *copies = g_array_new (FALSE, FALSE, sizeof (Damage));
    GHashTableIter iter;
    gpointer damage;

    pthread_mutex_lock (&log->lock);
    g_hash_table_iter_init (&iter, log->chunks);
    while (g_hash_table_iter_next (&iter, NULL, &damage)) {
        g_array_append_vals (copies, damage, 1);
    }
    pthread_mutex_unlock (&log->lock);
    return copies;
}

/* Removes mended chunks that no reader has asked for since, but that readahead has read. */
static void
remove_mended (ArecfsDamageLog *log, ArecfsTree *tree)
{
    g_autoptr (GArray) listed = copy_records (log);

    for (guint i = 0; i < listed->len; i++) {
        const Damage *damage = &g_array_index (listed, Damage, i);
        const ArecfsFile *file = arecfs_tree_opened (tree, damage->key.slot);

        if (file && arec_reader_is_mended (file->reader, damage->record)) {
            pthread_mutex_lock (&log->lock);
            remove_locked (log, &damage->key);
            pthread_mutex_unlock (&log->lock);
        }
    }
}

/* ---- damages.json ---- */

static void
put_string (GString *text, const char *string)
{
    g_autofree char *json = arec_text_json (string);

    g_string_append (text, json);
}

static int
compare_damages (gconstpointer a, gconstpointer b)
{
    const Damage *x = *(const Damage *const *)a, *y = *(const Damage *const *)b;

    if (x->key.slot != y->key.slot) {
        return x->key.slot < y->key.slot ? -1 : 1;
    }
    if (x->key.file != y->key.file) {
        return x->key.file < y->key.file ? -1 : 1;
    }
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* All that are kept, in the order of the text. */
static GPtrArray *
sort_damages_locked (const ArecfsDamageLog *log)
{
    GPtrArray *sorted = g_ptr_array_new();
    GHashTableIter iter;
    gpointer damage;

    g_hash_table_iter_init (&iter, log->chunks);
    while (g_hash_table_iter_next (&iter, NULL, &damage)) {
        if (((const Damage *)damage)->reason) {
            g_ptr_array_add (sorted, damage);
        }
    }
    g_ptr_array_sort (sorted, compare_damages);
    return sorted;
}

static void
put_damage (GString *text, const Damage *damage, bool is_first)
{
    g_string_append_printf (
        text, "%s\n    {\"offset\": %" PRIu64 ", \"length\": %" PRIu64 ", \"reason\": ",
        is_first ? "" : ",", damage->offset, damage->length);
    put_string (text, damage->reason);
    g_string_append_printf (text, ", \"first_record\": %" PRIu64 ", \"records\": %" PRIu64 "}",
                            damage->first_record, damage->n_records);
}

/* The file @info. If a scan made its index, it may have gaps. @next is where its first
 * damage is in @sorted, and afterwards where that of the next file is. */
static void
put_file (GString *text, const ArecFileInfo *info, const File *file, const GPtrArray *sorted,
          guint *next)
{
    bool is_sound = !file && !info->is_recovered && info->n_gaps == 0;
    guint first = *next;

    g_string_append (text, text->len > 1 ? ",\n  {\"path\": " : "\n  {\"path\": ");
    put_string (text, info->path);
    g_string_append (text, ", \"damages\": [");
    while (file && *next < sorted->len) {
        const Damage *damage = g_ptr_array_index (sorted, *next);

        if (damage->key.slot != file->key.slot || damage->key.file != file->key.file) {
            break;
        }
        put_damage (text, damage, *next == first);
        ++*next;
    }
    g_string_append_printf (text, "%s], \"ok\": %s, \"records\": %" PRIu64,
                            *next > first ? "\n  " : "", is_sound ? "true" : "false",
                            info->n_records - (file ? file->n_lost : 0));
    if (info->n_gaps > 0) {
        g_string_append_printf (text, ", \"gaps\": %" PRIu64 ", \"gap_bytes\": %" PRIu64,
                                info->n_gaps, info->gap_bytes);
    }
    if (file && file->n_left_out > 0) {
        g_string_append_printf (text, ", \"left_out\": %" PRIu64, file->n_left_out);
    }
    g_string_append_c (text, '}');
}

char *
arecfs_damage_log_to_json (ArecfsDamageLog *log, ArecfsTree *tree)
{
    GString *text = g_string_new ("[");
    g_autoptr (GPtrArray) sorted = NULL;
    guint next = 0, n_sound = 0;

    remove_mended (log, tree);
    pthread_mutex_lock (&log->lock);
    sorted = sort_damages_locked (log);
    for (uint64_t slot = 1; slot <= arecfs_tree_n_slots (tree); slot++) {
        const ArecfsFile *open = arecfs_tree_opened (tree, slot);

        for (size_t i = 0; open && i < arec_reader_n_files (open->reader); i++) {
            const File *file = g_hash_table_lookup (log->files, &(Key){slot, i, 0});
            ArecFileInfo info;

            if (file || n_sound++ < ARECFS_SOUND_FILES_LISTED) {
                arec_reader_file_info (open->reader, i, &info);
                put_file (text, &info, file, sorted, &next);
            }
        }
    }
    pthread_mutex_unlock (&log->lock);
    g_string_append (text, text->len > 1 ? "\n]\n" : "]\n");
    return g_string_free (text, FALSE);
}
