#include "cache/failed_chunks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

/* Bits of the filter, a power of two. The bits of all keys remembered since it was last rebuilt
 * are set. */
#define FILTER_BITS (UINT64_C (1) << 19)

/* Failures remembered at most, whatever their size. */
#define MAX_FAILURES 65536

/* Bytes that one failure takes in the table, and in malloc's headers, beside its blocks. */
#define OVERHEAD 128

typedef struct {
    ArecCacheKey key;
    GList link; /* in the order of time */
    ArecFailedFrom from;
    GError *error;
    uint64_t cost; /* bytes */
} Failure;

struct ArecFailedChunks {
    pthread_mutex_t lock;
    uint64_t max_bytes;
    uint64_t bytes;    /* guarded by the lock, as the next three */
    uint64_t n_passed; /* forgotten since the filter was rebuilt */
    GHashTable *table; /* of Failure, by key */
    GQueue by_age;     /* the oldest one first */
    _Atomic uint64_t n;
    _Atomic uint64_t filter[FILTER_BITS / 64];
};

/* ---- keys ---- */

static uint64_t
mix (const ArecCacheKey *key)
{
    uint64_t hash = (key->owner * UINT64_C (0x9e3779b97f4a7c15)) ^ key->number;

    hash = (hash ^ (hash >> 32)) * UINT64_C (0xd6e8feb86659fd93);
    return hash ^ (hash >> 32);
}

static guint
hash_key (gconstpointer key)
{
    return (guint)mix (key);
}

static gboolean
is_same_key (gconstpointer a, gconstpointer b)
{
    const ArecCacheKey *x = a, *y = b;

    return x->owner == y->owner && x->number == y->number;
}

/* ---- the filter: a key whose bit is clear has not failed ---- */

static bool
may_have (const ArecFailedChunks *failed, const ArecCacheKey *key)
{
    uint64_t bit = mix (key) & (FILTER_BITS - 1);

    return atomic_load_explicit (&failed->n, memory_order_relaxed) > 0 &&
           (atomic_load_explicit (&failed->filter[bit / 64], memory_order_relaxed) >>
            (bit % 64)) &
               1;
}

static void
mark_locked (ArecFailedChunks *failed, const ArecCacheKey *key)
{
    uint64_t bit = mix (key) & (FILTER_BITS - 1);

    atomic_fetch_or_explicit (&failed->filter[bit / 64], UINT64_C (1) << (bit % 64),
                              memory_order_relaxed);
}

/* A thread that reads the filter meanwhile may miss a failure; it loads the chunk once more. */
static void
rebuild_filter_locked (ArecFailedChunks *failed)
{
    for (uint64_t i = 0; i < FILTER_BITS / 64; i++) {
        atomic_store_explicit (&failed->filter[i], 0, memory_order_relaxed);
    }
    for (const GList *link = failed->by_age.head; link; link = link->next) {
        mark_locked (failed, &((const Failure *)link->data)->key);
    }
    failed->n_passed = 0;
}

/* ---- failures ---- */

static uint64_t
cost_of (const GError *error)
{
    /* An error holds its message at most twice, the second time without the file's name. */
    return sizeof (Failure) + sizeof *error + 2 * strlen (error->message) + OVERHEAD;
}

static void
remove_locked (ArecFailedChunks *failed, Failure *failure)
{
    g_hash_table_remove (failed->table, &failure->key);
    g_queue_unlink (&failed->by_age, &failure->link);
    failed->bytes -= failure->cost;
    failed->n--;
    failed->n_passed++;
    g_error_free (failure->error);
    g_free (failure);
}

static bool
is_earlier (ArecFailedFrom a, ArecFailedFrom b)
{
    return a.record < b.record || (a.record == b.record && a.n_sound < b.n_sound);
}

static void
insert_locked (ArecFailedChunks *failed, ArecCacheKey key, ArecFailedFrom from,
               const GError *error)
{
    Failure *failure = g_new0 (Failure, 1);

    failure->key = key;
    failure->link.data = failure;
    failure->from = from;
    failure->error = g_error_copy (error);
    failure->cost = cost_of (error);
    g_hash_table_insert (failed->table, &failure->key, failure);
    g_queue_push_tail_link (&failed->by_age, &failure->link);
    failed->bytes += failure->cost;
    failed->n++;
    mark_locked (failed, &key);
}

static void
keep_bound_locked (ArecFailedChunks *failed)
{
    while (failed->by_age.length > 1 &&
           (failed->bytes > failed->max_bytes || failed->by_age.length > MAX_FAILURES)) {
        remove_locked (failed, g_queue_peek_head (&failed->by_age));
    }
    if (failed->n_passed > MAX_FAILURES) {
        rebuild_filter_locked (failed);
    }
}

int64_t
arec_failed_chunks_add (ArecFailedChunks *failed, ArecCacheKey key, ArecFailedFrom from,
                        const GError *error)
{
    Failure *known;
    uint64_t before;
    int64_t grown;

    pthread_mutex_lock (&failed->lock);
    before = failed->bytes;
    known = g_hash_table_lookup (failed->table, &key);
    if (known && is_earlier (from, known->from)) {
        remove_locked (failed, known);
        known = NULL;
    }
    if (!known) {
        insert_locked (failed, key, from, error);
        keep_bound_locked (failed);
    }
    grown = (int64_t)(failed->bytes - before);
    pthread_mutex_unlock (&failed->lock);
    return grown;
}

bool
arec_failed_chunks_has (ArecFailedChunks *failed, ArecCacheKey key)
{
    bool has;

    if (!may_have (failed, &key)) {
        return false;
    }
    pthread_mutex_lock (&failed->lock);
    has = g_hash_table_contains (failed->table, &key);
    pthread_mutex_unlock (&failed->lock);
    return has;
}

bool
arec_failed_chunks_find (ArecFailedChunks *failed, ArecCacheKey key, uint64_t record,
                         uint64_t end, GError **error)
{
    const Failure *failure;
    bool is_lost;

    if (!may_have (failed, &key)) {
        return false;
    }
    pthread_mutex_lock (&failed->lock);
    failure = g_hash_table_lookup (failed->table, &key);
    is_lost = failure && (record > failure->from.record ||
                          (record == failure->from.record && end > failure->from.n_sound) ||
                          (failure->from.record == 0 && failure->from.n_sound == 0));
    if (is_lost && error) {
        *error = g_error_copy (failure->error);
    }
    pthread_mutex_unlock (&failed->lock);
    return is_lost;
}

int64_t
arec_failed_chunks_forget (ArecFailedChunks *failed, uint64_t owner)
{
    uint64_t before;
    int64_t grown;

    pthread_mutex_lock (&failed->lock);
    before = failed->bytes;
    for (GList *link = failed->by_age.head, *next; link; link = next) {
        Failure *failure = link->data;

        next = link->next;
        if (failure->key.owner == owner) {
            remove_locked (failed, failure);
        }
    }
    grown = (int64_t)(failed->bytes - before);
    pthread_mutex_unlock (&failed->lock);
    return grown;
}

uint64_t
arec_failed_chunks_n (ArecFailedChunks *failed)
{
    return failed->n;
}

ArecFailedChunks *
arec_failed_chunks_new (uint64_t max_bytes)
{
    ArecFailedChunks *failed = g_new0 (ArecFailedChunks, 1);

    pthread_mutex_init (&failed->lock, NULL);
    failed->max_bytes = max_bytes;
    failed->table = g_hash_table_new (hash_key, is_same_key);
    return failed;
}

void
arec_failed_chunks_free (ArecFailedChunks *failed)
{
    if (!failed) {
        return;
    }
    while (failed->by_age.head) {
        remove_locked (failed, g_queue_peek_head (&failed->by_age));
    }
    g_hash_table_unref (failed->table);
    pthread_mutex_destroy (&failed->lock);
    g_free (failed);
}
