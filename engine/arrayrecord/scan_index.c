#include "arrayrecord/scan_index.h"

#include "arrayrecord/footer.h"
#include "arrayrecord/footer_reader.h"
#include "base/error.h"
#include "base/limits.h"
#include "riegeli/block.h"
#include "riegeli/chunk.h"

/* Records of a postscript chunk: copies of one message, of a varint and a magic number of 9
 * bytes after a byte each (engine/FORMAT.md 8). */
#define MAX_POSTSCRIPT_RECORDS 3
#define MIN_POSTSCRIPT_SIZE 12
#define MAX_POSTSCRIPT_SIZE 21

/* Bytes of an entry of a footer, and of its first record beside the writer's options. */
#define MIN_FOOTER_ENTRY 4
#define MAX_FOOTER_ENTRY 40
#define MAX_FOOTER_EXTRA 1024

/* Steps between two reports of progress. */
#define PROGRESS_STEPS 4096

/* A chunk with records that is not in the index yet. */
typedef struct {
    uint64_t begin, end;
    ArecChunkHeader header;
} Candidate;

typedef struct {
    ArecSource *source;
    const ArecScanIndexOptions *options;
    ArecIndexBuilder *builder;
    uint64_t n_chunks;         /* in the builder */
    uint64_t n_records;        /* of all chunks so far */
    uint64_t n_records_before; /* of the last chunk in the builder */
    bool is_over;              /* all chunks have been met */
    unsigned n_last;
    Candidate last[2]; /* what may be footer and postscript: older, newer */
    ArecScanFindings found;
} Walk;

static bool
holds_records (const ArecChunkHeader *header)
{
    return header->num_records > 0 &&
           (header->type == AREC_CHUNK_SIMPLE || header->type == AREC_CHUNK_TRANSPOSED);
}

/* ---- ArrayRecord's own chunks ---- */

/* Decodes @from. false with *error set when the system failed; *chunk is NULL when the chunk is
 * damaged or beyond the limits. */
static bool
try_load (Walk *walk, const Candidate *from, ArecChunk **chunk, GError **error)
{
    ArecChunkPlace place = {.source = walk->source,
                            .begin = from->begin,
                            .limit = from->end,
                            .max_size = walk->options->limits->max_size};
    GError *cause = NULL;
    ArecChunkHeader header;

    if (arec_chunk_load (&place, from->end - from->begin, walk->options->limits, &header, chunk,
                         &cause)) {
        return true;
    }
    *chunk = NULL;
    if (arec_error_is_of_bytes (cause)) {
        g_clear_error (&cause);
        return true;
    }
    g_propagate_error (error, cause);
    return false;
}

static bool
is_postscript (const ArecChunk *chunk)
{
    ArecPostscript postscript;

    return arec_postscript_parse (arec_chunk_record (chunk, 0), &postscript) &&
           postscript.has_magic && postscript.magic == AREC_POSTSCRIPT_MAGIC &&
           postscript.has_footer_offset;
}

/* Whether a chunk may be a postscript, by its header. */
static bool
may_be_postscript (const Candidate *chunk)
{
    return chunk->begin % AREC_BLOCK_SIZE == 0 && chunk->header.type == AREC_CHUNK_SIMPLE &&
           chunk->header.num_records <= MAX_POSTSCRIPT_RECORDS &&
           chunk->header.decoded_data_size <= AREC_MAX_POSTSCRIPT_SIZE;
}

/* The same of a footer: its entries are of a few bytes each, and as many as there are chunks,
 * while chunks of records mostly have as many as the one before. */
static bool
may_be_footer (const Walk *walk, const Candidate *chunk)
{
    uint64_t n = chunk->header.num_records;

    return n > 1 && n != walk->n_records_before && n <= AREC_MAX_CHUNK_RECORDS &&
           chunk->header.decoded_data_size >= MIN_FOOTER_ENTRY * n &&
           chunk->header.decoded_data_size <= MAX_FOOTER_ENTRY * n + MAX_FOOTER_EXTRA;
}

/* Whether all of @chunk is a footer that could stand there: its entries ascend and add up. */
static bool
is_whole_footer (Walk *walk, const Candidate *chunk, bool *is_footer, GError **error)
{
    GError *cause = NULL;
    ArecFooter footer;

    *is_footer = arec_footer_read (walk->source, chunk->begin, chunk->end,
                                   walk->options->limits, NULL, &footer, &cause);
    if (*is_footer) {
        arec_index_free (footer.index);
        g_free (footer.options);
        return true;
    }
    if (arec_error_is_of_bytes (cause)) {
        g_error_free (cause);
        return true;
    }
    g_propagate_error (error, cause);
    return false;
}

/* Damage may double a footer or a postscript, or leave one of them in the middle of a file:
 * whether @chunk is one, though it is not at the end. */
static bool
is_left_over (Walk *walk, const Candidate *chunk, bool *is_one, GError **error)
{
    g_autoptr (ArecChunk) loaded = NULL;
    ArecFooterLooks looks;

    *is_one = false;
    if (walk->options->keep_bookkeeping) {
        return true;
    }
    if (may_be_postscript (chunk)) {
        if (!try_load (walk, chunk, &loaded, error)) {
            return false;
        }
        *is_one = loaded && is_postscript (loaded);
        return true;
    }
    /* At the end of a sound file without a postscript it would list all chunks. */
    if (!may_be_footer (walk, chunk) ||
        (walk->is_over && walk->found.gaps.n == 0 && walk->found.postscript_offset == 0)) {
        return true;
    }
    if (!arec_footer_probe (walk->source, chunk->begin, chunk->end, walk->options->limits,
                            &looks, error)) {
        return false;
    }
    if (looks != AREC_LOOKS_LIKE_FOOTER) {
        return true;
    }
    /* One that has moved in a damaged file may list what lies after it. */
    *is_one = walk->found.gaps.n > 0 || walk->found.postscript_offset > 0;
    return *is_one || is_whole_footer (walk, chunk, is_one, error);
}

static bool
add_to_index (Walk *walk, const Candidate *chunk, GError **error)
{
    bool is_one;

    if (!is_left_over (walk, chunk, &is_one, error)) {
        return false;
    }
    if (is_one) {
        walk->n_records -= chunk->header.num_records;
        return true;
    }
    walk->n_records_before = chunk->header.num_records;
    walk->n_chunks++;
    walk->found.end = chunk->end;
    return arec_index_builder_add (walk->builder, chunk->begin, chunk->header.decoded_data_size,
                                   chunk->header.num_records, error);
}

static bool
is_known_postscript (const Walk *walk, uint64_t begin)
{
    return !walk->options->keep_bookkeeping && begin > 0 &&
           begin == walk->options->postscript_offset;
}

static bool
take_chunk (Walk *walk, const ArecScanItem *item, GError **error)
{
    if (!holds_records (&item->header) || is_known_postscript (walk, item->begin)) {
        return true;
    }
    walk->n_records += item->header.num_records;
    if (walk->n_last == G_N_ELEMENTS (walk->last)) {
        if (!add_to_index (walk, &walk->last[0], error)) {
            return false;
        }
        walk->last[0] = walk->last[1];
        walk->n_last--;
    }
    walk->last[walk->n_last++] = (Candidate){item->begin, item->end, item->header};
    return true;
}

static void
take_gap (Walk *walk, const ArecScanItem *item)
{
    ArecGaps *gaps = &walk->found.gaps;

    if (gaps->n++ == 0) {
        gaps->first_fault = item->fault;
        gaps->first_record = walk->n_records;
        gaps->first_reason = g_strdup (item->reason);
    }
    gaps->bytes += item->end - item->begin;
    walk->found.is_truncated = item->truncated;
}

static void
report_progress (const Walk *walk, uint64_t done)
{
    if (walk->options->progress) {
        walk->options->progress (walk->options->progress_data, walk->source->name, done,
                                 walk->source->size);
    }
}

ArecChunkScan *
arec_scan_index_walk (ArecSource *source, uint64_t footer_offset, uint64_t postscript_offset)
{
    ArecChunkScan *scan = arec_chunk_scan_new (source, 0);

    arec_chunk_scan_expect (scan, AREC_SIGNATURE_END);
    arec_chunk_scan_expect (scan, footer_offset);
    arec_chunk_scan_expect (scan, postscript_offset);
    return scan;
}

static bool
walk_chunks (Walk *walk, GError **error)
{
    g_autoptr (ArecChunkScan) scan = arec_scan_index_walk (
        walk->source, walk->options->footer_offset, walk->options->postscript_offset);

    for (uint64_t step = 1;; step++) {
        ArecScanItem item;
        ArecScanStep what;

        if (!arec_chunk_scan_next (scan, &what, &item, error)) {
            return false;
        }
        switch (what) {
        case AREC_SCAN_CHUNK:
            if (!take_chunk (walk, &item, error)) {
                return false;
            }
            break;
        case AREC_SCAN_GAP: take_gap (walk, &item); break;
        case AREC_SCAN_END: walk->is_over = true; return true;
        }
        if (step % PROGRESS_STEPS == 0) {
            report_progress (walk, item.end);
        }
    }
}

/* Whether a header is what every writer's postscript has, for those whose data is damaged. */
static bool
has_shape_of_postscript (const ArecChunkHeader *header)
{
    uint64_t size = header->decoded_data_size / MAX_POSTSCRIPT_RECORDS;

    return header->num_records == MAX_POSTSCRIPT_RECORDS &&
           header->decoded_data_size % MAX_POSTSCRIPT_RECORDS == 0 &&
           size >= MIN_POSTSCRIPT_SIZE && size <= MAX_POSTSCRIPT_SIZE;
}

/* Takes a postscript off the end of what was found, unless it was known before. */
static bool
drop_postscript (Walk *walk, GError **error)
{
    g_autoptr (ArecChunk) chunk = NULL;
    const Candidate *newest;

    walk->found.postscript_offset = walk->options->postscript_offset;
    if (walk->found.postscript_offset > 0 || walk->n_last == 0) {
        return true;
    }
    newest = &walk->last[walk->n_last - 1];
    if (!may_be_postscript (newest)) {
        return true;
    }
    if (!try_load (walk, newest, &chunk, error)) {
        return false;
    }
    if (chunk ? is_postscript (chunk) : has_shape_of_postscript (&newest->header)) {
        walk->n_last--;
        walk->found.postscript_offset = newest->begin;
        walk->found.has_damaged_postscript = chunk == NULL;
    }
    return true;
}

/* What a chunk at the end of the file is. */
typedef enum { RECORDS, FOOTER, DAMAGED_FOOTER } Role;

/* @n_before  chunks found before it. A footer lists them all, and those that were lost; but
 * nothing else stands before a postscript. */
static bool
judge_footer (Walk *walk, const Candidate *chunk, uint64_t n_before, Role *role, GError **error)
{
    bool is_announced = chunk->begin == walk->options->footer_offset;
    uint64_t n_listed = chunk->header.num_records - 1;
    ArecFooterLooks looks;

    *role = RECORDS;
    if (!is_announced && walk->found.postscript_offset == 0 && n_listed < n_before &&
        !may_be_footer (walk, chunk)) {
        return true;
    }
    if (!arec_footer_probe (walk->source, chunk->begin, chunk->end, walk->options->limits,
                            &looks, error)) {
        return false;
    }
    switch (looks) {
    case AREC_LOOKS_LIKE_FOOTER: *role = FOOTER; return true;
    case AREC_LOOKS_LIKE_RECORDS: *role = is_announced ? DAMAGED_FOOTER : RECORDS; return true;
    case AREC_LOOKS_DAMAGED: break;
    }
    if (is_announced || walk->found.postscript_offset > 0) {
        *role = DAMAGED_FOOTER;
    }
    return true;
}

/* What a footer lists of the chunks that were found. */
typedef struct {
    bool all;
    bool any;
} Listed;

static bool
compare_lists (const ArecIndex *footer, const ArecIndex *found, Listed *lists, GError **error)
{
    uint64_t n_footer = arec_index_n_chunks (footer);
    uint64_t at = 0;

    *lists = (Listed){.all = true};
    for (uint64_t i = 0; i < arec_index_n_chunks (found); i++) {
        ArecIndexEntry chunk, listed = {0};

        if (!arec_index_get (found, i, &chunk, error)) {
            return false;
        }
        while (at < n_footer && listed.offset < chunk.offset) {
            if (!arec_index_get (footer, at++, &listed, error)) {
                return false;
            }
        }
        if (listed.offset == chunk.offset && listed.n_records == chunk.n_records) {
            lists->any = true;
        } else {
            lists->all = false;
        }
    }
    return true;
}

/* A chunk that looks like a footer is a sound one if it lists what was found. Without a
 * postscript after it it may be a record by chance, unless all of it is a footer and lists some
 * of that, or the file has gaps. */
static bool
confirm_footer (Walk *walk, const Candidate *chunk, bool *confirmed, bool *is_chance,
                GError **error)
{
    Listed lists;

    GError *cause = NULL;
    ArecFooter footer;
    bool ok;

    *confirmed = false;
    *is_chance = walk->found.postscript_offset == 0;
    if (!arec_footer_read (walk->source, chunk->begin, chunk->end, walk->options->limits, NULL,
                           &footer, &cause)) {
        if (arec_error_is_of_bytes (cause)) {
            g_clear_error (&cause);
            return true;
        }
        g_propagate_error (error, cause);
        return false;
    }
    ok = compare_lists (footer.index, walk->found.index, &lists, error);
    if (ok) {
        *confirmed = lists.all;
        *is_chance = *is_chance && !lists.all && !lists.any && walk->found.gaps.n == 0;
    }
    arec_index_free (footer.index);
    g_free (footer.options);
    return ok;
}

/* Moves the index into the file for such. Its length had to be known first. */
static bool
offload (Walk *walk, GError **error)
{
    g_autoptr (ArecIndex) memory = g_steal_pointer (&walk->found.index);
    uint64_t n = arec_index_n_chunks (memory);

    walk->builder = arec_index_builder_new_offloaded (walk->options->offloaded, n, error);
    for (uint64_t i = 0; walk->builder && i < n; i++) {
        ArecIndexEntry entry;

        if (!arec_index_get (memory, i, &entry, error) ||
            !arec_index_builder_add (walk->builder, entry.offset, entry.decoded_size,
                                     entry.n_records, error)) {
            return false;
        }
    }
    walk->found.index = walk->builder
                            ? arec_index_builder_finish (g_steal_pointer (&walk->builder),
                                                         walk->found.end, error)
                            : NULL;
    return walk->found.index != NULL;
}

static bool
finish_index (Walk *walk, GError **error)
{
    for (unsigned i = 0; i < walk->n_last; i++) {
        if (!add_to_index (walk, &walk->last[i], error)) {
            return false;
        }
    }
    walk->n_last = 0;
    walk->found.index =
        arec_index_builder_finish (g_steal_pointer (&walk->builder), walk->found.end, error);
    return walk->found.index && (!walk->options->offloaded || offload (walk, error));
}

/* After all chunks: sorts out the last ones and makes the index. *is_chance says that a
 * chunk that looked like a footer is a record that looks like one by chance. */
static bool
finish (Walk *walk, bool *is_chance, GError **error)
{
    bool confirmed = false;
    Candidate footer;
    Role role = RECORDS;

    *is_chance = false;
    if (walk->options->keep_bookkeeping) {
        return finish_index (walk, error);
    }
    if (!drop_postscript (walk, error)) {
        return false;
    }
    if (walk->n_last > 0) {
        footer = walk->last[walk->n_last - 1];
        if (!judge_footer (walk, &footer, walk->n_chunks + walk->n_last - 1, &role, error)) {
            return false;
        }
    }
    if (role == RECORDS) {
        return finish_index (walk, error);
    }
    walk->n_last--;
    if (!finish_index (walk, error)) {
        return false;
    }
    if (role == FOOTER && !confirm_footer (walk, &footer, &confirmed, is_chance, error)) {
        return false;
    }
    walk->found.footer_begin = footer.begin;
    walk->found.footer_end = footer.end;
    walk->found.has_footer = confirmed;
    walk->found.has_damaged_footer = !confirmed;
    return true;
}

static bool
scan (ArecSource *source, const ArecScanIndexOptions *options, ArecScanFindings *out,
      bool *is_chance, GError **error)
{
    Walk walk = {.source = source, .options = options, .builder = arec_index_builder_new()};

    if (!walk_chunks (&walk, error) || !finish (&walk, is_chance, error)) {
        arec_index_builder_free (walk.builder);
        arec_scan_findings_clear (&walk.found);
        return false;
    }
    report_progress (&walk, source->size); /* the last chunks were read once more until now */
    *out = walk.found;
    return true;
}

bool
arec_scan_index (ArecSource *source, const ArecScanIndexOptions *options, ArecScanFindings *out,
                 GError **error)
{
    ArecScanIndexOptions all = *options;
    bool is_chance;

    if (!scan (source, options, out, &is_chance, error)) {
        return false;
    }
    if (!is_chance) {
        return true;
    }
    arec_scan_findings_clear (out);
    all.keep_bookkeeping = true;
    return scan (source, &all, out, &is_chance, error);
}

void
arec_scan_findings_clear (ArecScanFindings *findings)
{
    g_clear_pointer (&findings->index, arec_index_free);
    g_clear_pointer (&findings->gaps.first_reason, g_free);
}
