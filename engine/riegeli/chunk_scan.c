#include "riegeli/chunk_scan.h"

#include <string.h>

#include "riegeli/block.h"
#include "riegeli/raw_headers.h"

/* Bytes of one read: the least after a jump, doubled as long as headers lie near each other. */
#define MIN_WINDOW ((size_t)4 * 1024)
#define MAX_WINDOW ((size_t)256 * 1024)

/* Bytes past the window that are worth reading for the sake of fewer reads. */
#define NEAR (UINT64_C (16) * 1024)

/* Stored bytes that no file has room for; sums with less cannot wrap. */
#define IMPOSSIBLE_SIZE (UINT64_C (1) << 62)

typedef struct {
    uint64_t begin;
    size_t size; /* 0: nothing read yet */
    uint8_t bytes[MAX_WINDOW];
} Window;

struct ArecChunkScan {
    ArecSource *source;
    uint64_t position;   /* of the next item */
    uint64_t last_begin; /* of the last one */
    uint64_t expected[AREC_SCAN_MAX_EXPECTED];
    unsigned n_expected;
    /* Blocks one after the other whose headers were found unreadable last. Without them,
     * chunks that a hostile footer lists in each other would have the same ones read again and
     * again. */
    uint64_t unreadable_begin, unreadable_end;
    Window window;
};

/* Why there is no sound chunk, and where to look for the next one. */
typedef struct {
    const char *reason; /* NULL: nothing is wrong */
    uint64_t at;
    bool truncated;
    bool unreadable;     /* by a block header whose numbers mean nothing */
    bool resume_is_told; /* a chunk begins at @resume; otherwise a block header is looked for
                            from there on */
    uint64_t resume;
} Fault;

static const Fault no_fault = {.reason = NULL};

static Fault
fault_then_find (uint64_t at, uint64_t resume, const char *reason)
{
    return (Fault){.reason = reason, .at = at, .resume = resume};
}

static Fault
fault_then_go (uint64_t at, uint64_t resume, const char *reason)
{
    return (Fault){.reason = reason, .at = at, .resume_is_told = true, .resume = resume};
}

static Fault
truncation (uint64_t size)
{
    return (Fault){.reason = "the file ends within this chunk",
                   .at = size,
                   .truncated = true,
                   .resume_is_told = true,
                   .resume = size};
}

/* ---- reading ---- */

/* Bytes [offset, offset + size) if the window has them. */
static const uint8_t *
window_get (const Window *window, uint64_t offset, size_t size)
{
    if (offset < window->begin || offset - window->begin > window->size ||
        size > window->size - (size_t)(offset - window->begin)) {
        return NULL;
    }
    return window->bytes + (offset - window->begin);
}

/* Makes the window begin at @offset, within the source. */
static bool
window_move (Window *window, ArecSource *source, uint64_t offset, GError **error)
{
    bool goes_on =
        offset >= window->begin && offset - window->begin <= (uint64_t)window->size + NEAR;
    size_t wanted = goes_on ? CLAMP (2 * window->size, MIN_WINDOW, MAX_WINDOW) : MIN_WINDOW;
    size_t length = (size_t)MIN (wanted, source->size - offset);

    window->size = 0;
    if (!arec_source_pread (source, window->bytes, length, offset, error)) {
        return false;
    }
    window->begin = offset;
    window->size = length;
    return true;
}

/* Bytes [offset, offset + size) of the source, which has them, no more than MIN_WINDOW; valid
 * until the next read. */
static bool
look (ArecChunkScan *scan, uint64_t offset, size_t size, const uint8_t **bytes, GError **error)
{
    *bytes = window_get (&scan->window, offset, size);
    if (*bytes) {
        return true;
    }
    if (!window_move (&scan->window, scan->source, offset, error)) {
        return false;
    }
    *bytes = scan->window.bytes;
    return true;
}

/* The bytes of the block header at @block alone: what is around it is not needed.
 */
static bool
read_block_header (ArecChunkScan *scan, uint64_t block, uint8_t raw[AREC_BLOCK_HEADER_SIZE],
                   GError **error)
{
    const uint8_t *held = window_get (&scan->window, block, AREC_BLOCK_HEADER_SIZE);

    if (held) {
        memcpy (raw, held, AREC_BLOCK_HEADER_SIZE);
        return true;
    }
    return arec_source_pread (scan->source, raw, AREC_BLOCK_HEADER_SIZE, block, error);
}

/* The next block after @block, whose header @raw is not sound, that is worth a look. The
 * headers in a hole are zeros, which no sound header is; only where one is zeros, asking for a
 * hole is worth a call. */
static uint64_t
next_block (const ArecChunkScan *scan, uint64_t block,
            const uint8_t raw[AREC_BLOCK_HEADER_SIZE])
{
    static const uint8_t zeros[AREC_BLOCK_HEADER_SIZE];
    uint64_t next = block + AREC_BLOCK_SIZE, data;

    if (memcmp (raw, zeros, sizeof zeros) != 0) {
        return next;
    }
    data = arec_source_next_data (scan->source, block);
    return MAX (next, data - data % AREC_BLOCK_SIZE);
}

/* ---- what is wrong with one place; pure ---- */

/* The block header at @block within the chunk at @begin. */
static Fault
judge_block_header (const uint8_t *raw, uint64_t block, uint64_t begin, ArecBlockHeader *header)
{
    static const char other_begin[] = "the block header implies another begin of the chunk";
    const char *reason = NULL;

    if (!arec_block_header_parse (raw, header)) {
        reason = "block header hash mismatch";
    } else if (!arec_block_header_is_possible (header)) {
        reason = "the block header has impossible numbers";
    }
    if (reason) {
        Fault fault = fault_then_find (block, block + AREC_BLOCK_HEADER_SIZE, reason);

        fault.unreadable = true;
        return fault;
    }
    if (header->previous_chunk == block - begin) {
        return no_fault;
    }
    if (header->previous_chunk == 0) {
        return fault_then_go (block, block, other_begin);
    }
    if (header->next_chunk <= AREC_BLOCK_SIZE) {
        return fault_then_go (block, block + header->next_chunk, other_begin);
    }
    return fault_then_find (block, block + AREC_BLOCK_HEADER_SIZE, other_begin);
}

static Fault
other_end (uint64_t block, uint64_t resume)
{
    return fault_then_find (block, resume, "the block header implies another end of the chunk");
}

static bool
is_signature (const ArecChunkHeader *header)
{
    return header->type == AREC_CHUNK_SIGNATURE && header->data_size == 0 &&
           header->num_records == 0 && header->decoded_data_size == 0;
}

/* The header of the chunk at @begin out of the @n bytes that are there, fewer than the
 * @stored_size of the header, block header included, where the file of @size bytes ends. */
static Fault
judge_header (const uint8_t *bytes, size_t n, size_t stored_size, uint64_t begin, uint64_t size,
              ArecChunkHeader *header)
{
    bool interrupted = stored_size > AREC_CHUNK_HEADER_SIZE;
    size_t before = interrupted ? arec_block_remaining (begin) : AREC_CHUNK_HEADER_SIZE;
    uint64_t block = begin + before;
    uint8_t raw[AREC_CHUNK_HEADER_SIZE];
    ArecBlockHeader block_header = {0, 0};

    if (interrupted && n >= before + AREC_BLOCK_HEADER_SIZE) {
        Fault fault = judge_block_header (bytes + before, block, begin, &block_header);

        if (fault.reason) {
            return fault;
        }
    }
    if (n < stored_size) {
        return truncation (size);
    }
    memcpy (raw, bytes, before);
    memcpy (raw + before, bytes + stored_size - (sizeof raw - before), sizeof raw - before);
    if (!arec_chunk_header_parse (raw, header)) {
        return fault_then_find (begin, begin + stored_size, "chunk header hash mismatch");
    }
    if (header->data_size >= IMPOSSIBLE_SIZE) {
        return fault_then_find (begin, begin + stored_size,
                                "the chunk announces more bytes than a file can have");
    }
    header->end = arec_block_chunk_end (begin, header->data_size, header->num_records);
    if (interrupted && block_header.next_chunk != header->end - block) {
        return other_end (block, begin + stored_size);
    }
    if (begin == 0 && !is_signature (header)) {
        return fault_then_find (begin, begin + stored_size, "missing file signature");
    }
    return no_fault;
}

/* ---- the chunk at one place ---- */

/* The header of a chunk that may begin at @begin, before the source's end. */
static bool
examine_header (ArecChunkScan *scan, uint64_t begin, ArecChunkHeader *header, Fault *fault,
                GError **error)
{
    uint64_t size = scan->source->size;
    size_t stored_size = (size_t)(arec_block_add (begin, AREC_CHUNK_HEADER_SIZE) - begin);
    size_t there = (size_t)MIN (stored_size, size - begin);
    const uint8_t *bytes;

    if (!look (scan, begin, there, &bytes, error)) {
        return false;
    }
    *fault = judge_header (bytes, there, stored_size, begin, size, header);
    return true;
}

/* The block header at @block, which goes to @raw, in the data of the chunk at @begin. */
static bool
examine_block (ArecChunkScan *scan, uint64_t begin, const ArecChunkHeader *header,
               uint64_t block, uint8_t raw[AREC_BLOCK_HEADER_SIZE], Fault *fault,
               GError **error)
{
    ArecBlockHeader block_header;

    if (!read_block_header (scan, block, raw, error)) {
        return false;
    }
    *fault = judge_block_header (raw, block, begin, &block_header);
    if (!fault->reason && block_header.next_chunk != header->end - block) {
        *fault = other_end (block, block + AREC_BLOCK_HEADER_SIZE);
    }
    return true;
}

static void
note_unreadable (ArecChunkScan *scan, uint64_t block, uint64_t end)
{
    if (block != scan->unreadable_end) {
        scan->unreadable_begin = block;
    }
    scan->unreadable_end = end;
}

/* The first fault among the block headers in the chunk's data, as far as the source goes; those
 * in its slack do not matter.
 * @forgiving  unreadable ones are no fault. */
static bool
examine_blocks (ArecChunkScan *scan, uint64_t begin, const ArecChunkHeader *header,
                bool forgiving, Fault *fault, GError **error)
{
    uint64_t size = scan->source->size;
    uint64_t data_begin = arec_block_add (begin, AREC_CHUNK_HEADER_SIZE);
    uint64_t data_end = arec_block_add (begin, AREC_CHUNK_HEADER_SIZE + header->data_size);
    uint64_t block = data_begin + arec_block_remaining (data_begin);

    while (block < MIN (data_end, size) && size - block >= AREC_BLOCK_HEADER_SIZE) {
        uint8_t raw[AREC_BLOCK_HEADER_SIZE];
        uint64_t next = block + AREC_BLOCK_SIZE;

        if (forgiving && block >= scan->unreadable_begin && block < scan->unreadable_end) {
            block = scan->unreadable_end;
            continue;
        }
        if (!examine_block (scan, begin, header, block, raw, fault, error)) {
            return false;
        }
        if (fault->reason && !(forgiving && fault->unreadable)) {
            return true;
        }
        if (fault->reason) {
            next = next_block (scan, block, raw);
            note_unreadable (scan, block, next);
        }
        block = next;
    }
    *fault = no_fault;
    return true;
}

/* A chunk whose header is sound and whose end is not in the source. */
static bool
examine_cut_off (ArecChunkScan *scan, uint64_t begin, const ArecChunkHeader *header,
                 Fault *fault, GError **error)
{
    if (!examine_blocks (scan, begin, header, false, fault, error)) {
        return false;
    }
    if (!fault->reason) {
        *fault = truncation (scan->source->size);
    }
    return true;
}

/* A chunk whose header is sound and whose end is in the source. Where no chunk follows, either
 * that one is damaged, or this one was never finished: then a block header that is sound itself
 * reports what was appended. */
static bool
examine_complete (ArecChunkScan *scan, uint64_t begin, const ArecChunkHeader *header,
                  Fault *fault, GError **error)
{
    bool in_one_block = begin / AREC_BLOCK_SIZE == (header->end - 1) / AREC_BLOCK_SIZE;
    ArecChunkHeader following;

    *fault = no_fault;
    if (in_one_block || header->end == scan->source->size) {
        return true;
    }
    if (!examine_header (scan, header->end, &following, fault, error)) {
        return false;
    }
    return !fault->reason || examine_blocks (scan, begin, header, true, fault, error);
}

/* The chunk at @begin, before the source's end: its header, or a fault. */
static bool
examine (ArecChunkScan *scan, uint64_t begin, ArecChunkHeader *header, Fault *fault,
         GError **error)
{
    if (!arec_block_is_chunk_boundary (begin)) {
        *fault = fault_then_find (begin, begin, "no chunk can begin here");
        return true;
    }
    if (!examine_header (scan, begin, header, fault, error)) {
        return false;
    }
    if (fault->reason) {
        return true;
    }
    return header->end > scan->source->size
               ? examine_cut_off (scan, begin, header, fault, error)
               : examine_complete (scan, begin, header, fault, error);
}

/* ---- finding the next one ---- */

/* Where a chunk begins according to the first sound block header from @from on; the source's
 * end, or the last bytes that are no whole block header, if there is none. */
static bool
find_chunk (ArecChunkScan *scan, uint64_t from, uint64_t *found, GError **error)
{
    uint64_t size = scan->source->size;
    uint64_t block = from + arec_block_remaining (from);

    while (block < size && size - block >= AREC_BLOCK_HEADER_SIZE) {
        uint8_t raw[AREC_BLOCK_HEADER_SIZE];
        ArecBlockHeader header;

        if (!read_block_header (scan, block, raw, error)) {
            return false;
        }
        if (arec_block_header_parse (raw, &header) && arec_block_header_is_possible (&header)) {
            *found = header.previous_chunk == 0 ? block
                                                : block + MIN (header.next_chunk, size - block);
            return true;
        }
        block = next_block (scan, block, raw);
    }
    *found = MIN (block, size);
    return true;
}

/* Where the scan goes on past the fault; always further than where that chunk began, for
 * a fault is resumed past the bytes that it was found in, or at another chunk's start.
 */
static bool
resume (ArecChunkScan *scan, const Fault *fault, uint64_t *position, GError **error)
{
    if (fault->resume_is_told) {
        *position = MIN (fault->resume, scan->source->size);
        return true;
    }
    return find_chunk (scan, fault->resume, position, error);
}

/* ---- the walk ---- */

ArecChunkScan *
arec_chunk_scan_new (ArecSource *source, uint64_t begin)
{
    ArecChunkScan *scan = g_new0 (ArecChunkScan, 1);

    g_assert (begin <= source->size);
    scan->source = source;
    scan->position = begin;
    scan->last_begin = begin;
    return scan;
}

void
arec_chunk_scan_free (ArecChunkScan *scan)
{
    g_free (scan);
}

void
arec_chunk_scan_expect (ArecChunkScan *scan, uint64_t position)
{
    g_assert (scan->n_expected < AREC_SCAN_MAX_EXPECTED);
    scan->expected[scan->n_expected++] = position;
}

bool
arec_chunk_scan_has_chunk (ArecChunkScan *scan, uint64_t position, bool *has_chunk,
                           GError **error)
{
    ArecChunkHeader header;
    Fault fault = no_fault;

    if (position >= scan->source->size) {
        *has_chunk = false;
        return true;
    }
    if (!examine (scan, position, &header, &fault, error)) {
        return false;
    }
    *has_chunk = fault.reason == NULL;
    return true;
}

/* Lets @gap end at the first chunk that was expected within it. */
static bool
end_at_expected (ArecChunkScan *scan, ArecScanItem *gap, GError **error)
{
    for (unsigned i = 0; i < scan->n_expected; i++) {
        uint64_t position = scan->expected[i];
        bool has_chunk;

        if (position <= gap->begin || position >= gap->end) {
            continue;
        }
        if (!arec_chunk_scan_has_chunk (scan, position, &has_chunk, error)) {
            return false;
        }
        if (has_chunk) {
            gap->end = position;
            gap->truncated = false;
        }
    }
    return true;
}

bool
arec_chunk_scan_next (ArecChunkScan *scan, ArecScanStep *step, ArecScanItem *item,
                      GError **error)
{
    ArecScanItem next = {.begin = scan->position, .end = scan->position};
    Fault fault = no_fault;

    if (scan->position == scan->source->size) {
        *step = AREC_SCAN_END;
        *item = next;
        return true;
    }
    if (!examine (scan, scan->position, &next.header, &fault, error)) {
        return false;
    }
    if (fault.reason) {
        if (!resume (scan, &fault, &next.end, error)) {
            return false;
        }
        next.header = (ArecChunkHeader){0};
        next.reason = fault.reason;
        next.fault = fault.at;
        next.truncated = fault.truncated;
        if (!end_at_expected (scan, &next, error)) {
            return false;
        }
        *step = AREC_SCAN_GAP;
    } else {
        next.end = next.header.end;
        *step = AREC_SCAN_CHUNK;
    }
    scan->last_begin = next.begin;
    scan->position = next.end;
    *item = next;
    return true;
}

void
arec_chunk_scan_seek (ArecChunkScan *scan, uint64_t position)
{
    g_assert (position > scan->last_begin && position <= scan->source->size);
    scan->position = position;
}
