#include "arrayrecord/seen_chunks.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/error.h"
#include "base/mix.h"

/* Chunks of a word, and the bits that say which of them were read. */
#define GROUP AREC_SEEN_GROUP
#define WHICH ((UINT64_C (1) << GROUP) - 1)

/* Words at most where memory is bounded, and how many places a group may have. */
#define BOUNDED_SLOTS 4096
#define PROBES 16

/* Words that are compared where the stamp's move is explained. */
#define COMPARED_AT_MOST 256

/* Words that a load compares while a process has the source open for writing. */
#define COMPARED_PER_LOAD 16

typedef struct {
    _Atomic uint64_t digest; /* 0: not read */
    _Atomic uint64_t begin;
} Other;

struct ArecSeenChunks {
    ArecSource *source;
    const ArecIndex *index;
    uint64_t n_slots;
    _Atomic uint64_t *words;
    _Atomic uint64_t *groups; /* whose word it is, plus 1; NULL: each group has its own */
    Other others[AREC_N_SEEN_OTHERS];
    _Atomic uint64_t stamp; /* the one that is believed */
    _Atomic uint64_t state; /* of the source, at the same time */
    /* A process had the source open for writing when its stamp was believed. What is written
     * through a mapping that is older than the stamp does not move it. */
    _Atomic bool was_being_written;
    _Atomic uint64_t next_slot; /* to be compared by the next load meanwhile */
    pthread_mutex_t lock;
    pthread_cond_t compared;
    bool is_comparing; /* under the lock */
};

ArecSeenChunks *
arec_seen_chunks_new (ArecSource *source)
{
    ArecSeenChunks *seen = g_new0 (ArecSeenChunks, 1);

    seen->source = source;
    seen->stamp = source->stamp;
    seen->state = arec_source_state (source);
    seen->was_being_written = arec_source_is_being_written (source);
    pthread_mutex_init (&seen->lock, NULL);
    pthread_cond_init (&seen->compared, NULL);
    return seen;
}

void
arec_seen_chunks_free (ArecSeenChunks *seen)
{
    if (!seen) {
        return;
    }
    pthread_cond_destroy (&seen->compared);
    pthread_mutex_destroy (&seen->lock);
    g_free (seen->words);
    g_free (seen->groups);
    g_free (seen);
}

bool
arec_seen_chunks_set_index (ArecSeenChunks *seen, const ArecIndex *index, bool is_bounded,
                            GError **error)
{
    uint64_t n_chunks = arec_index_n_chunks (index);
    uint64_t n = n_chunks / GROUP + (n_chunks % GROUP > 0);
    bool is_hashed = is_bounded && n > BOUNDED_SLOTS;

    seen->index = index;
    seen->n_slots = is_hashed ? BOUNDED_SLOTS : n;
    if (n == 0) {
        return true;
    }
    /* Pages without a note take no memory. */
    seen->words = g_try_new0 (_Atomic uint64_t, seen->n_slots);
    if (is_hashed) {
        seen->groups = g_try_new0 (_Atomic uint64_t, seen->n_slots);
    }
    return (seen->words && (seen->groups || !is_hashed)) ||
           arec_fail (error, AREC_ERROR_NOMEM,
                      "%s: no memory to note which of %" PRIu64 " chunks were read",
                      seen->source->name, n_chunks);
}

uint64_t
arec_seen_chunks_memory (const ArecSeenChunks *seen)
{
    return seen->n_slots * sizeof *seen->words * (seen->groups ? 2 : 1);
}

uint64_t
arec_seen_chunks_stamp (const ArecSeenChunks *seen)
{
    return seen->stamp;
}

/* ---- noting ---- */

/* The digest of chunk @which, in 48 bits, not 0. It covers the whole header; what is not the
 * data's hash only has to distinguish chunks near each other. */
static uint64_t
digest_of (uint64_t which, const ArecChunkHeader *header)
{
    uint64_t rest = which << 32 ^ header->data_size ^ header->num_records << 16 ^
                    header->decoded_data_size << 40 ^ (uint64_t)header->type << 56;

    return arec_mix (header->data_hash, rest) >> GROUP | 1;
}

/* The word of @group. NULL: it has none, nor gets one if it @may_claim one. */
static _Atomic uint64_t *
word_of (ArecSeenChunks *seen, uint64_t group, bool may_claim)
{
    uint64_t hash = arec_mix (0, group);

    if (!seen->groups) {
        return &seen->words[group];
    }
    for (unsigned i = 0; i < PROBES; i++) {
        uint64_t slot = (hash + i) % BOUNDED_SLOTS;
        uint64_t owner = seen->groups[slot];

        if (owner == 0 && !may_claim) {
            return NULL;
        }
        if (owner == group + 1 || (owner == 0 && (atomic_compare_exchange_strong (
                                                      &seen->groups[slot], &owner, group + 1) ||
                                                  owner == group + 1))) {
            return &seen->words[slot];
        }
    }
    return NULL;
}

void
arec_seen_chunks_make_notes (ArecSeenChunks *seen, ArecSeenNotes *notes)
{
    _Atomic uint64_t *word = notes->which ? word_of (seen, notes->group, true) : NULL;
    uint64_t old = word ? *word : 0, new;

    do {
        /* What was read first is what all else must go with. */
        uint64_t which = word ? notes->which & ~old : 0;

        if (which == 0) {
            break;
        }
        new = old | which;
        for (unsigned i = 0; i < GROUP; i++) {
            new += which >> i & 1 ? notes->digests[i] << GROUP : 0;
        }
    } while (!atomic_compare_exchange_weak (word, &old, new));
    notes->which = 0;
}

void
arec_seen_chunks_take_note (ArecSeenChunks *seen, ArecSeenNotes *notes, uint64_t chunk,
                            const ArecChunkHeader *header)
{
    if (chunk / GROUP != notes->group) {
        arec_seen_chunks_make_notes (seen, notes);
        notes->group = chunk / GROUP;
    }
    notes->which |= UINT64_C (1) << chunk % GROUP;
    notes->digests[chunk % GROUP] = digest_of (chunk, header);
}

void
arec_seen_chunks_note (ArecSeenChunks *seen, uint64_t chunk, const ArecChunkHeader *header)
{
    ArecSeenNotes notes = {0};

    arec_seen_chunks_take_note (seen, &notes, chunk, header);
    arec_seen_chunks_make_notes (seen, &notes);
}

void
arec_seen_chunks_note_other (ArecSeenChunks *seen, ArecSeenOther which, uint64_t begin,
                             const ArecChunkHeader *header)
{
    Other *other = &seen->others[which];
    uint64_t none = 0;

    other->begin = begin;
    atomic_compare_exchange_strong (&other->digest, &none, digest_of (begin, header));
}

/* ---- comparing ---- */

static bool
fail_written (ArecSeenChunks *seen, uint64_t begin, GError **error)
{
    g_autofree char *message =
        g_strdup_printf ("%s: the file was written to since it was opened: what was read of it"
                         " at %" PRIu64 " or shortly after it is no longer there",
                         seen->source->name, begin);

    arec_source_set_changed (seen->source, message);
    return arec_source_fail_changed (seen->source, error);
}

/* The header at @begin, where one has been read before. */
static bool
read_again (ArecSeenChunks *seen, uint64_t begin, ArecChunkHeader *header, GError **error)
{
    const ArecChunkPlace place = {.source = seen->source,
                                  .begin = begin,
                                  .limit = seen->source->size,
                                  .max_size = UINT64_MAX,
                                  .lenient = true};
    GError *cause = NULL;

    if (arec_chunk_read_header (&place, header, &cause)) {
        return true;
    }
    if (arec_error_is_of_bytes (cause)) {
        g_error_free (cause);
        return fail_written (seen, begin, error);
    }
    g_propagate_error (error, cause);
    return false;
}

static bool
compare_others (ArecSeenChunks *seen, GError **error)
{
    for (unsigned i = 0; i < AREC_N_SEEN_OTHERS; i++) {
        Other *other = &seen->others[i];
        uint64_t digest = other->digest;
        ArecChunkHeader header;

        if (digest == 0) {
            continue;
        }
        if (!read_again (seen, other->begin, &header, error)) {
            return false;
        }
        if (digest_of (other->begin, &header) != digest) {
            return fail_written (seen, other->begin, error);
        }
    }
    return true;
}

/* @word  of @group, at some time. */
static bool
compare_group (ArecSeenChunks *seen, uint64_t group, uint64_t word, GError **error)
{
    ArecIndexEntry entries[GROUP];
    uint64_t first = group * GROUP;
    uint64_t sum = 0;

    if (word == 0) {
        return true;
    }
    if (!arec_index_get_many (seen->index, first,
                              MIN (arec_index_n_chunks (seen->index) - first, GROUP), entries,
                              error)) {
        return false;
    }
    for (unsigned i = 0; i < GROUP; i++) {
        ArecChunkHeader header;

        if (!(word & UINT64_C (1) << i)) {
            continue;
        }
        if (!read_again (seen, entries[i].offset, &header, error)) {
            return false;
        }
        sum += digest_of (first + i, &header);
    }
    return sum << GROUP == (word & ~WHICH) || fail_written (seen, entries[0].offset, error);
}

static bool
compare_slot (ArecSeenChunks *seen, uint64_t slot, GError **error)
{
    uint64_t group = seen->groups ? seen->groups[slot] - 1 : slot;

    return compare_group (seen, group, seen->words[slot], error);
}

static bool
compare_chunks (ArecSeenChunks *seen, uint64_t first, uint64_t n, GError **error)
{
    for (uint64_t i = 0; i < n;) {
        uint64_t group = (first + i) / GROUP;
        _Atomic uint64_t *word = word_of (seen, group, false);

        if (word && !compare_group (seen, group, *word, error)) {
            return false;
        }
        i = (group + 1) * GROUP - first;
    }
    return true;
}

static bool
compare_own (ArecSeenChunks *seen, uint64_t first, uint64_t n, GError **error)
{
    return compare_others (seen, error) && compare_chunks (seen, first, n, error);
}

static uint64_t
count_words (const ArecSeenChunks *seen)
{
    uint64_t n = 0;

    for (uint64_t slot = 0; slot < seen->n_slots; slot++) {
        n += seen->words[slot] != 0;
    }
    return n;
}

/* What was read; of more than @most words, about so many that are spread over all. */
static bool
compare_spread (ArecSeenChunks *seen, uint64_t most, GError **error)
{
    uint64_t step = 1 + (count_words (seen) - 1) / most, n = 0;

    if (!compare_others (seen, error)) {
        return false;
    }
    for (uint64_t slot = 0; slot < seen->n_slots; slot++) {
        if (seen->words[slot] != 0 && n++ % step == 0 && !compare_slot (seen, slot, error)) {
            return false;
        }
    }
    return true;
}

/* Some, and others by the next call. */
static bool
compare_some (ArecSeenChunks *seen, GError **error)
{
    uint64_t n_compared = 0;

    if (!compare_others (seen, error)) {
        return false;
    }
    for (uint64_t i = 0; i < seen->n_slots && n_compared < COMPARED_PER_LOAD; i++) {
        uint64_t slot = seen->next_slot++ % seen->n_slots;

        n_compared += seen->words[slot] != 0;
        if (!compare_slot (seen, slot, error)) {
            return false;
        }
    }
    return true;
}

/* ---- checking ---- */

/* Returns whether the caller compares; otherwise another thread did, and has finished. */
static bool
begin_comparing (ArecSeenChunks *seen)
{
    bool begins;

    pthread_mutex_lock (&seen->lock);
    begins = !seen->is_comparing;
    seen->is_comparing = true;
    while (!begins && seen->is_comparing) {
        pthread_cond_wait (&seen->compared, &seen->lock);
    }
    pthread_mutex_unlock (&seen->lock);
    return begins;
}

static void
end_comparing (ArecSeenChunks *seen)
{
    pthread_mutex_lock (&seen->lock);
    seen->is_comparing = false;
    pthread_cond_broadcast (&seen->compared);
    pthread_mutex_unlock (&seen->lock);
}

/* What changes after stamp, state and writers were asked for moves the stamp, or is seen in the
 * headers. A process that might have written without moving it is explained by nothing. */
static bool
compare_and_believe (ArecSeenChunks *seen, GError **error)
{
    uint64_t stamp, state;
    bool is_being_written, is_explained;

    if (!arec_source_look (seen->source, &stamp, error)) {
        return false;
    }
    state = arec_source_state (seen->source);
    is_being_written = arec_source_is_being_written (seen->source);
    is_explained = state != seen->state && !seen->was_being_written;
    if (!compare_spread (seen, is_explained ? COMPARED_AT_MOST : UINT64_MAX, error)) {
        return false;
    }
    seen->was_being_written = is_being_written;
    seen->state = state;
    seen->stamp = stamp;
    return true;
}

/* Whether everything that was read must be compared: once the stamp has moved, and once the
 * writers that could have written without moving it have closed the file. */
static bool
is_in_doubt (ArecSeenChunks *seen, uint64_t stamp)
{
    return stamp != seen->stamp ||
           (seen->was_being_written && !arec_source_is_being_written (seen->source));
}

bool
arec_seen_chunks_check (ArecSeenChunks *seen, uint64_t since, uint64_t first, uint64_t n,
                        GError **error)
{
    uint64_t stamp;
    bool ok;

    do {
        if (!arec_source_look (seen->source, &stamp, error)) {
            return false;
        }
        if (!is_in_doubt (seen, stamp)) {
            /* Another thread may have compared before these were noted. */
            return (stamp == since || compare_own (seen, first, n, error)) &&
                   (!seen->was_being_written || compare_some (seen, error));
        }
    } while (!begin_comparing (seen));
    ok = compare_and_believe (seen, error);
    end_comparing (seen);
    return ok;
}
