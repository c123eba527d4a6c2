#include "inspect/inspect_walk.h"

#include <inttypes.h>
#include <string.h>

#include "arrayrecord/footer_reader.h"
#include "base/error.h"
#include "inspect/inspect_chunk.h"
#include "riegeli/block.h"

/* A thread gets a batch of this many jobs, or of this many stored bytes: handing over costs
 * more than a small chunk. */
#define BATCH_JOBS 64
#define BATCH_SIZE (UINT64_C (256) * 1024)

static bool
is_listed_walk (const ArecInspector *inspector)
{
    return inspector->origin.is_listed;
}

/* The chunk of the index, @ahead after the first that the walk has not met yet. false: there is
 * none. */
static bool
peek_listed (const ArecInspector *inspector, uint64_t ahead, ArecIndexEntry *entry)
{
    uint64_t number = inspector->next_listed + ahead;

    if (!is_listed_walk (inspector) || number >= arec_index_n_chunks (inspector->index)) {
        return false;
    }
    return arec_index_get (inspector->index, number, entry, NULL);
}

static ArecInspectorJob *
new_job (ArecInspector *inspector, uint64_t begin, uint64_t end)
{
    ArecInspectorJob *job = g_new0 (ArecInspectorJob, 1);
    ArecIndexEntry entry;

    job->begin = begin;
    job->end = end;
    job->knows_n_records = true;
    job->first_record = inspector->next_record;
    if (peek_listed (inspector, 0, &entry)) {
        job->first_record = entry.first_record;
    }
    g_queue_push_tail (inspector->pending, job);
    inspector->pending_size += end - begin;
    return job;
}

/* Makes @job one of the next listed chunk. */
static void
take_listed (ArecInspector *inspector, ArecInspectorJob *job, const ArecIndexEntry *entry)
{
    job->is_listed = job->is_indexed = true;
    job->chunk_number = entry->chunk;
    job->n_records = entry->n_records;
    job->decoded_size = entry->decoded_size;
    inspector->next_listed++;
    inspector->next_record = entry->first_record + entry->n_records;
}

/* Finds the chunk of @job in an index that was made by a scan, if it is there. */
static void
find_indexed (ArecInspector *inspector, ArecInspectorJob *job)
{
    uint64_t n = arec_index_n_chunks (inspector->index);
    ArecIndexEntry entry;

    while (inspector->next_indexed < n &&
           arec_index_get (inspector->index, inspector->next_indexed, &entry, NULL) &&
           entry.offset <= job->begin) {
        inspector->next_indexed++;
        job->is_indexed = entry.offset == job->begin;
        job->chunk_number = entry.chunk;
    }
}

/* Reports chunks that the index lists before @position, and that the walk has not met. */
static void
report_missing (ArecInspector *inspector, uint64_t position)
{
    ArecIndexEntry entry;

    while (peek_listed (inspector, 0, &entry) && entry.offset < position) {
        ArecInspectorJob *job = new_job (inspector, entry.offset, MIN (entry.limit, position));

        take_listed (inspector, job, &entry);
        job->is_damage = true;
        job->reason = g_strdup ("the footer lists a chunk here, where none begins");
    }
}

static ArecChunkRole
role_of (const ArecInspector *inspector, const ArecScanItem *item)
{
    switch (item->header.type) {
    case AREC_CHUNK_METADATA: return AREC_ROLE_METADATA;
    case AREC_CHUNK_SIMPLE:
    case AREC_CHUNK_TRANSPOSED: break;
    default: return AREC_ROLE_BOOKKEEPING;
    }
    return item->begin > 0 && (item->begin == inspector->origin.postscript_offset ||
                               item->begin == inspector->origin.footer_offset)
               ? AREC_ROLE_BOOKKEEPING
               : AREC_ROLE_RECORDS;
}

/* @is_moved  it is sound, but stands elsewhere than it was written. */
static void
report_postscript (ArecInspector *inspector, uint64_t begin, uint64_t end, bool is_moved,
                   char *reason)
{
    ArecInspectorJob *job = new_job (inspector, begin, end);

    job->is_damage = true;
    job->reason = reason;
    job->is_foreign = end == 0; /* the file is empty */
    /* Without a footer there may have been more, and so if whole blocks have gone. */
    job->knows_n_records =
        is_listed_walk (inspector) || (inspector->origin.footer_offset > 0 && !is_moved);
}

/* Whether the chunk that begins at @begin is a sound postscript without a usable footer offset.
 */
static bool
is_useless_postscript (const ArecInspector *inspector, uint64_t begin)
{
    return inspector->postscript_fault && !inspector->origin.has_damaged_postscript &&
           begin > 0 && begin == inspector->origin.postscript_offset &&
           begin + AREC_BLOCK_SIZE == inspector->source->size;
}

/* Finds the limit of the chunk @item for a reader that uses the index: the offset of the next
 * listed chunk, or of the footer, if that lies within @item. Then the walk goes on there. A
 * chunk that the index does not list is cut off only if a chunk really begins at that offset.
 */
static bool
find_limit (ArecInspector *inspector, const ArecScanItem *item, bool is_listed, uint64_t *limit,
            GError **error)
{
    uint64_t ahead = is_listed ? 1 : 0, next;
    ArecIndexEntry entry;
    bool has_chunk;

    do {
        bool is_footer = !peek_listed (inspector, ahead++, &entry);

        next = is_footer ? inspector->origin.footer_offset : entry.offset;
        if (next <= item->begin || next >= item->end) {
            *limit = item->end;
            return true;
        }
        has_chunk = is_listed || is_footer;
        if (!has_chunk &&
            !arec_chunk_scan_has_chunk (inspector->scan, next, &has_chunk, error)) {
            return false;
        }
    } while (!has_chunk);
    arec_chunk_scan_seek (inspector->scan, next);
    *limit = next;
    return true;
}

/* Numbers the records of a chunk that no footer lists. The scan that made the index has met
 * it, too: what it has left out is bookkeeping where none should be. */
static void
take_found (ArecInspector *inspector, ArecInspectorJob *job, const ArecScanItem *item)
{
    find_indexed (inspector, job);
    if (!job->is_indexed && item->header.num_records > 0 && inspector->origin.is_recovered) {
        job->role = AREC_ROLE_BOOKKEEPING;
        job->is_damage = true;
        job->reason = g_strdup ("a footer or postscript that belongs elsewhere");
        job->knows_n_records = false; /* blocks have moved, others may have gone */
        return;
    }
    job->n_records = item->header.num_records;
    inspector->next_record += job->n_records;
}

/* Makes the jobs of a chunk that the walk has met. They come out in the order in which they are
 * made: first the listed chunks that should have begun before it, then the chunk itself, then
 * the fault of the postscript if it is one. */
static bool
take_chunk (ArecInspector *inspector, const ArecScanItem *item, GError **error)
{
    ArecIndexEntry entry;
    bool is_listed;
    uint64_t limit;
    ArecInspectorJob *job;

    report_missing (inspector, item->begin);
    is_listed = peek_listed (inspector, 0, &entry) && entry.offset == item->begin;
    if (!is_listed_walk (inspector)) {
        limit = item->end;
    } else if (!find_limit (inspector, item, is_listed, &limit, error)) {
        return false;
    }
    job = new_job (inspector, item->begin, limit);
    job->role = role_of (inspector, item);
    if (is_listed) {
        take_listed (inspector, job, &entry);
    } else if (job->role == AREC_ROLE_RECORDS && is_listed_walk (inspector) &&
               item->header.num_records > 0) {
        job->is_damage = true;
        job->reason =
            g_strdup_printf ("a chunk of %" PRIu64 " records that the footer does not list",
                             item->header.num_records);
    } else if (job->role == AREC_ROLE_RECORDS) {
        take_found (inspector, job, item);
    }
    if (is_useless_postscript (inspector, item->begin)) {
        report_postscript (inspector, item->begin, inspector->source->size, true,
                           g_steal_pointer (&inspector->postscript_fault));
    }
    return true;
}

/* The nearest offset after @begin at which a chunk must begin: a listed one, the footer, or the
 * postscript. */
static uint64_t
next_known (const ArecInspector *inspector, uint64_t begin)
{
    uint64_t nearest = UINT64_MAX;
    ArecIndexEntry entry;

    if (!is_listed_walk (inspector)) {
        return nearest; /* the index was made by the same scan, and knows no more */
    }
    for (uint64_t ahead = 0; ahead < 2 && peek_listed (inspector, ahead, &entry); ahead++) {
        if (entry.offset > begin) {
            nearest = entry.offset;
            break;
        }
    }
    if (inspector->origin.footer_offset > begin) {
        nearest = MIN (nearest, inspector->origin.footer_offset);
    }
    if (inspector->origin.postscript_offset > begin) {
        nearest = MIN (nearest, inspector->origin.postscript_offset);
    }
    return nearest;
}

/* Whether it is known that no records were lost in the gap [begin, end). A footer lists all
 * chunks with records, and there are none in its own place or in that of the signature. */
static bool
knows_of_losses (const ArecInspector *inspector, uint64_t begin, uint64_t end)
{
    return is_listed_walk (inspector) ||
           (begin > 0 && begin == inspector->origin.footer_offset) ||
           (begin == 0 && end == AREC_SIGNATURE_END);
}

static bool
is_foreign (const ArecInspector *inspector, const ArecScanItem *item)
{
    return inspector->foreign && item->begin == 0 && item->end == inspector->source->size;
}

static char *
gap_reason (const ArecInspector *inspector, const ArecScanItem *item)
{
    if (is_foreign (inspector, item)) {
        return g_strdup_printf ("%s, not an ArrayRecord file", inspector->foreign);
    }
    return item->fault == item->begin
               ? g_strdup (item->reason)
               : g_strdup_printf ("at %" PRIu64 ": %s", item->fault, item->reason);
}

static void
take_gap (ArecInspector *inspector, const ArecScanItem *item)
{
    uint64_t known, end = item->end;
    ArecIndexEntry entry;
    ArecInspectorJob *job;

    report_missing (inspector, item->begin);
    known = next_known (inspector, item->begin);
    if (known < end) {
        arec_chunk_scan_seek (inspector->scan, known);
        end = known;
    }
    job = new_job (inspector, item->begin, end);
    inspector->last_gap_end = end;
    job->is_damage = true;
    job->reason = gap_reason (inspector, item);
    job->is_foreign = end == item->end && is_foreign (inspector, item);
    if (peek_listed (inspector, 0, &entry) && entry.offset == item->begin) {
        take_listed (inspector, job, &entry);
        job->is_damage = false; /* all of it but block headers may be whole */
    } else {
        job->knows_n_records = knows_of_losses (inspector, item->begin, end);
    }
}

/* Reports that there is no postscript, unless a damaged one, or a gap up to the end of the
 * file, was reported already. */
static void
report_absent_postscript (ArecInspector *inspector, uint64_t end)
{
    if (!inspector->postscript_fault || inspector->origin.has_damaged_postscript ||
        (end > 0 && inspector->last_gap_end == end)) {
        return;
    }
    report_postscript (inspector, end, end, false,
                       g_strdup (end == 0 ? "an empty file, not an ArrayRecord file"
                                          : "the file ends without a postscript"));
}

static void
take_end (ArecInspector *inspector, uint64_t end)
{
    report_missing (inspector, UINT64_MAX);
    inspector->walk_ended = true;
    report_absent_postscript (inspector, end);
}

static bool
is_batch_full (const ArecInspector *inspector)
{
    return inspector->pending->length >= BATCH_JOBS || inspector->pending_size >= BATCH_SIZE;
}

bool
arec_inspect_walk_on (ArecInspector *inspector, GError **error)
{
    while (!is_batch_full (inspector) && !inspector->walk_ended) {
        ArecScanItem item;
        ArecScanStep step;

        if (!arec_chunk_scan_next (inspector->scan, &step, &item, error)) {
            return false;
        }
        switch (step) {
        case AREC_SCAN_CHUNK:
            if (!take_chunk (inspector, &item, error)) {
                return false;
            }
            break;
        case AREC_SCAN_GAP: take_gap (inspector, &item); break;
        case AREC_SCAN_END: take_end (inspector, item.end); break;
        }
    }
    return true;
}
