#include "writer/groups.h"

#include <inttypes.h>

#include "base/error.h"
#include "base/phases.h"
#include "base/pipeline.h"
#include "riegeli/chunk.h"
#include "riegeli/chunk_encoder.h"
#include "riegeli/chunk_writer.h"
#include "writer/writer_options.h"

/* Threads get work in batches of groups: of this many bytes, so that waking a thread costs
 * little of what it then does, and of no more groups, each of which has buffers of its own. */
#define BATCH_SIZE (UINT64_C (64) * 1024)
#define BATCH_GROUPS 64

/* More batches than threads are in work as long as they are small, so that no thread waits for
 * the caller. */
#define BATCHES_PER_THREAD 4
#define SMALL_PER_THREAD (UINT64_C (1) << 20)

/* What a group takes for each byte of its records, as records and as a chunk, and for each
 * record beside them: its size, twice. */
#define MEMORY_OF_BYTE 2
#define MEMORY_OF_RECORD 4

/* A transposed one takes its records apart, by tables that have a least size. How much that
 * takes for each byte depends on the records, by a factor of 100: the most is reckoned with
 * until a group tells what it took. */
#define MEMORY_OF_TRANSPOSED_GROUP (UINT64_C (32) * 1024)
#define MOST_OF_TRANSPOSED_BYTE 256
#define LEAST_OF_TRANSPOSED_BYTE 6

typedef struct Group Group;

/* Records, and then their chunk. Its memory is kept for the next group. */
struct Group {
    Group *next;
    ArecChunkEncoder *encoder;
    size_t lane;
    uint64_t first_record, last_record;
    uint64_t memory;  /* bytes that it takes, as far as is known */
    uint64_t kept;    /* of these the ones that the group before it left */
    uint64_t largest; /* decoded bytes of the largest group that used its memory */
    ArecChunkHeader header;
    ArecBytes body;
    GError *failure;
};

/* Groups that one thread encodes, in order. */
typedef struct {
    Group *first, *last;
    unsigned n;
    uint64_t size; /* decoded bytes */
} Batch;

struct ArecGroups {
    ArecGroupsOptions options;
    ArecPipeline *pipeline; /* NULL until there is work for a second thread */
    unsigned n_threads;     /* of the pipeline, the caller's among them; 0 before */
    uint64_t max_kept; /* bytes that a thread without work may keep for its encoder; 0: any,
                               or its codec keeps none; set with those */
    Group **filling;   /* of each lane; NULL: its next record begins a group */
    size_t lane;       /* the selected one */
    Batch *gathering;  /* complete groups that no thread has yet; NULL: none */
    Group *idle;
    unsigned n_in_work; /* batches */
    uint64_t size_in_work;
    uint64_t memory;    /* of all groups, idle ones too */
    uint64_t of_byte;   /* memory of each byte of a group, at most */
    uint64_t largest;   /* decoded bytes of the largest group */
    uint64_t encoding;  /* memory of the codec for that group, of each thread that encodes */
    uint64_t n_records; /* added so far */
};

/* ---- one group ---- */

/* The one place where it is decided how records are encoded. */
static ArecChunkEncoder *
make_encoder (const ArecGroups *groups)
{
    const ArecWriterOptions *options = &groups->options.writer;
    const ArecChunkEncoderOptions encoding = {.codec = arec_writer_options_codec (options),
                                              .is_transposed = options->transpose,
                                              .bucket_size = options->transpose_bucket_size,
                                              .max_size = options->max_chunk_size};

    return arec_chunk_encoder_new (&encoding);
}

static void
free_group (Group *group)
{
    if (group) {
        arec_chunk_encoder_free (group->encoder);
        g_clear_error (&group->failure);
        g_free (group);
    }
}

static void
free_list (Group *group)
{
    while (group) {
        Group *next = group->next;

        free_group (group);
        group = next;
    }
}

static Group *
take_idle (ArecGroups *groups)
{
    Group *group = groups->idle;

    if (group) {
        groups->idle = group->next;
        group->next = NULL;
    }
    return group;
}

static Group *
begin_group (ArecGroups *groups)
{
    Group *group = take_idle (groups);

    if (!group) {
        group = g_new0 (Group, 1);
        group->encoder = make_encoder (groups);
    }
    group->lane = groups->lane;
    group->first_record = groups->n_records;
    return group;
}

static void
make_idle (ArecGroups *groups, Group *group)
{
    arec_chunk_encoder_reset (group->encoder);
    group->next = groups->idle;
    groups->idle = group;
}

/* ---- memory ---- */

static void
set_memory (ArecGroups *groups, Group *group, uint64_t memory)
{
    groups->memory += memory - group->memory;
    group->memory = memory;
}

/* What encoding @group will take, beside the codec. */
static void
reckon_memory (ArecGroups *groups, Group *group)
{
    uint64_t memory = groups->of_byte * arec_chunk_encoder_decoded_size (group->encoder) +
                      MEMORY_OF_RECORD * arec_chunk_encoder_n_records (group->encoder) +
                      (groups->options.writer.transpose ? MEMORY_OF_TRANSPOSED_GROUP : 0);

    set_memory (groups, group, MAX (memory, group->kept));
}

/* What encoding it has taken tells what the next ones will take, which are mostly alike. */
static void
measure_memory (ArecGroups *groups, Group *group)
{
    uint64_t memory = arec_chunk_encoder_memory (group->encoder);
    uint64_t of_byte;

    if (!groups->options.writer.transpose) {
        group->kept = group->memory;
        return;
    }
    group->largest = MAX (group->largest, arec_chunk_encoder_decoded_size (group->encoder));
    of_byte = (memory - MIN (memory, MEMORY_OF_TRANSPOSED_GROUP)) / MAX (group->largest, 1) + 1;
    groups->of_byte = CLAMP (of_byte, LEAST_OF_TRANSPOSED_BYTE, MOST_OF_TRANSPOSED_BYTE);
    group->kept = memory;
    set_memory (groups, group, memory);
}

/* Takes note of how large a complete group is. */
static void
reckon_encoder (ArecGroups *groups, const Group *group)
{
    uint64_t size = arec_chunk_encoder_decoded_size (group->encoder);

    if (size > groups->largest) {
        ArecCodecOptions codec = arec_writer_options_codec (&groups->options.writer);

        groups->largest = size;
        groups->encoding = arec_compress_memory (&codec, size);
    }
}

/* All memory while threads encode @n_batches. */
static uint64_t
memory_with (const ArecGroups *groups, unsigned n_batches)
{
    unsigned n_busy = MIN (n_batches, MAX (groups->n_threads, 1));
    unsigned n_waiting = groups->n_threads - MIN (n_busy, groups->n_threads);

    return groups->memory + n_busy * groups->encoding +
           n_waiting * MIN (groups->encoding, groups->max_kept);
}

/* How many threads encode: as many as have memory for a batch like @batch and for their
 * encoders. */
static unsigned
count_threads (const ArecGroups *groups, const Batch *batch)
{
    const ArecWriterOptions *options = &groups->options.writer;
    uint64_t of_batch =
        batch->size * (options->transpose ? LEAST_OF_TRANSPOSED_BYTE : MEMORY_OF_BYTE);
    uint64_t n = options->max_parallelism;

    if (options->max_memory > 0) {
        n = MIN (n, options->max_memory / (of_batch + groups->encoding + 1));
    }
    return (unsigned)MAX (n, 1);
}

/* ---- encoding ---- */

/* In any thread. */
static void
encode (Group *group)
{
    ArecPhaseMark mark = arec_phases_enter_short (AREC_PHASE_ENCODING);
    ArecChunkType type;

    if (arec_chunk_encoder_encode (group->encoder, &type, &group->body, &group->failure)) {
        group->header = arec_chunk_header_make (
            type, arec_chunk_encoder_n_records (group->encoder),
            arec_chunk_encoder_decoded_size (group->encoder), group->body);
    }
    arec_phases_leave (mark);
}

/* Hands over an encoded group, which is idle afterwards. */
static bool
put (ArecGroups *groups, Group *group, GError **error)
{
    bool ok = !group->failure && groups->options.put (groups->options.data, group->lane,
                                                      &group->header, group->body.at, error);

    if (group->failure) {
        g_propagate_prefixed_error (error, g_steal_pointer (&group->failure),
                                    "%s: records %" PRIu64 " to %" PRIu64 ": ",
                                    groups->options.name, group->first_record,
                                    group->last_record);
    }
    measure_memory (groups, group);
    make_idle (groups, group);
    return ok;
}

/* ---- batches ---- */

static void
free_batch (void *data)
{
    Batch *batch = data;

    if (batch) {
        free_list (batch->first);
        g_free (batch);
    }
}

static void
encode_batch (void *data, void *job)
{
    const ArecGroups *groups = data;
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_ENCODING);

    for (Group *group = ((Batch *)job)->first; group; group = group->next) {
        encode (group);
    }
    if (groups->max_kept > 0 && arec_compress_kept() > groups->max_kept) {
        arec_compress_release();
    }
    arec_phases_leave (mark);
}

/* Takes @batch over; after a failure what is left of it is dropped. */
static bool
put_batch (ArecGroups *groups, Batch *batch, GError **error)
{
    bool ok = true;

    while (batch->first && ok) {
        Group *group = batch->first;

        batch->first = group->next;
        ok = put (groups, group, error);
    }
    free_batch (batch);
    return ok;
}

/* Waits for the oldest batch in work. */
static bool
put_oldest (ArecGroups *groups, GError **error)
{
    ArecPhaseMark mark = arec_phases_enter (AREC_PHASE_WAITING_ENCODING);
    Batch *batch = arec_pipeline_take (groups->pipeline);

    arec_phases_leave (mark);
    groups->n_in_work--;
    groups->size_in_work -= batch->size;
    return put_batch (groups, batch, error);
}

static bool
is_full (const ArecGroups *groups, const Batch *batch)
{
    uint64_t n_threads = groups->n_threads;

    return !arec_pipeline_has_room (groups->pipeline) ||
           (groups->n_in_work >= n_threads &&
            groups->size_in_work + batch->size > n_threads * SMALL_PER_THREAD);
}

static void
start_threads (ArecGroups *groups)
{
    const ArecWriterOptions *options = &groups->options.writer;

    groups->n_threads = count_threads (groups, groups->gathering);
    if (options->codec == AREC_CODEC_ZSTD || options->codec == AREC_CODEC_BROTLI) {
        groups->max_kept = options->max_memory / groups->n_threads;
    }
    groups->pipeline = arec_pipeline_new (
        groups->n_threads, groups->n_threads * BATCHES_PER_THREAD, encode_batch, groups);
}

/* Gives back memory that is not in use, then waits for groups in work, until @n_more batches
 * can be worked on. The group that is being filled may take what it needs. */
static bool
keep_within_memory (ArecGroups *groups, unsigned n_more, GError **error)
{
    uint64_t most = groups->options.writer.max_memory;

    while (most > 0 && memory_with (groups, groups->n_in_work + n_more) > most) {
        Group *idle = take_idle (groups);

        if (idle) {
            groups->memory -= idle->memory;
            free_group (idle);
        } else if (groups->n_in_work == 0) {
            return true;
        } else if (!put_oldest (groups, error)) {
            return false;
        }
    }
    return true;
}

/* Hands the gathered groups to the threads; the caller works with them while it waits. */
static bool
submit (ArecGroups *groups, GError **error)
{
    Batch *batch = groups->gathering;

    if (!groups->pipeline) {
        start_threads (groups);
    }
    if (!keep_within_memory (groups, 1, error)) {
        return false;
    }
    while (is_full (groups, batch)) {
        if (!put_oldest (groups, error)) {
            return false;
        }
    }
    groups->gathering = NULL;
    groups->n_in_work++;
    groups->size_in_work += batch->size;
    arec_pipeline_put (groups->pipeline, batch);
    return true;
}

static void
gather (ArecGroups *groups, Group *group)
{
    Batch *batch = groups->gathering;

    if (!batch) {
        batch = groups->gathering = g_new0 (Batch, 1);
        batch->first = group;
    } else {
        batch->last->next = group;
    }
    batch->last = group;
    batch->n++;
    batch->size += arec_chunk_encoder_decoded_size (group->encoder);
}

/* ---- records ---- */

/* How often a reader holds the bytes of a record while it decodes the chunk: it unpacks the
 * values of a transposed one before it puts the records together. */
static unsigned
copies_when_read (const ArecWriterOptions *options)
{
    return options->transpose && options->codec != AREC_CODEC_NONE ? 2 : 1;
}

/* A reader would refuse the chunk of a group beyond the limit, so it is never made. */
static bool
check_limit (const ArecGroups *groups, const Group *group, size_t size, GError **error)
{
    const ArecWriterOptions *options = &groups->options.writer;
    ArecChunkHeader header = {.type = AREC_CHUNK_SIMPLE,
                              .num_records = arec_chunk_encoder_n_records (group->encoder) + 1,
                              .decoded_data_size =
                                  arec_chunk_encoder_decoded_size (group->encoder)};

    if (size <= options->max_chunk_size) { /* else the sum may not fit */
        header.decoded_data_size =
            copies_when_read (options) * (header.decoded_data_size + size);
        if (arec_chunk_is_within (&header, options->max_chunk_size)) {
            return true;
        }
    }
    return arec_fail (error, AREC_ERROR_LIMIT,
                      "%s: record %" PRIu64 " of %zu bytes: its group, of group_size:%" PRIu32
                      ", has %" PRIu64 " records of %" PRIu64
                      " bytes before it, and all together may take %" PRIu64
                      " bytes when they are read",
                      groups->options.name, groups->n_records, size, options->group_size,
                      header.num_records - 1, arec_chunk_encoder_decoded_size (group->encoder),
                      options->max_chunk_size);
}

static bool
copy_record (ArecGroups *groups, Group *group, const void *data, size_t size, GError **error)
{
    if (!check_limit (groups, group, size, error)) {
        return false;
    }
    if (!arec_chunk_encoder_add (group->encoder, data, size, error)) {
        g_prefix_error (error, "%s: record %" PRIu64 ": ", groups->options.name,
                        groups->n_records);
        return false;
    }
    group->last_record = groups->n_records++;
    reckon_memory (groups, group);
    return true;
}

static bool
end_group (ArecGroups *groups, size_t lane, GError **error)
{
    Group *group = g_steal_pointer (&groups->filling[lane]);
    const Batch *batch;

    reckon_encoder (groups, group);
    if (groups->options.writer.max_parallelism == 1) {
        encode (group);
        return put (groups, group, error);
    }
    gather (groups, group);
    batch = groups->gathering;
    return (batch->size < BATCH_SIZE && batch->n < BATCH_GROUPS) || submit (groups, error);
}

void
arec_groups_select (ArecGroups *groups, size_t lane)
{
    g_assert (lane < groups->options.n_lanes);
    groups->lane = lane;
}

bool
arec_groups_add (ArecGroups *groups, const void *data, size_t size, GError **error)
{
    Group **filling = &groups->filling[groups->lane];

    if (!*filling) {
        *filling = begin_group (groups);
    }
    if (!copy_record (groups, *filling, data, size, error) ||
        !keep_within_memory (groups, 0, error)) {
        return false;
    }
    return arec_chunk_encoder_n_records ((*filling)->encoder) <
               groups->options.writer.group_size ||
           end_group (groups, groups->lane, error);
}

/* A group in which the first record has failed has none. */
static bool
is_empty (const Group *group)
{
    return !group || arec_chunk_encoder_n_records (group->encoder) == 0;
}

bool
arec_groups_end_group (ArecGroups *groups, GError **error)
{
    return is_empty (groups->filling[groups->lane]) || end_group (groups, groups->lane, error);
}

/* What is gathered goes to the threads if they run already; for a single batch none is started.
 */
static bool
put_gathered (ArecGroups *groups, GError **error)
{
    if (groups->gathering && groups->pipeline && !submit (groups, error)) {
        return false;
    }
    while (groups->n_in_work > 0) {
        if (!put_oldest (groups, error)) {
            return false;
        }
    }
    if (groups->gathering) {
        encode_batch (groups, groups->gathering);
        return put_batch (groups, g_steal_pointer (&groups->gathering), error);
    }
    return true;
}

bool
arec_groups_pass (ArecGroups *groups, uint64_t n, GError **error)
{
    g_assert (is_empty (groups->filling[groups->lane]));
    if (!put_gathered (groups, error)) {
        return false;
    }
    groups->n_records += n;
    return true;
}

bool
arec_groups_finish (ArecGroups *groups, GError **error)
{
    for (size_t lane = 0; lane < groups->options.n_lanes; lane++) {
        if (!is_empty (groups->filling[lane]) && !end_group (groups, lane, error)) {
            return false;
        }
    }
    if (!put_gathered (groups, error)) {
        return false;
    }
    free_list (g_steal_pointer (&groups->idle));
    return true;
}

ArecGroups *
arec_groups_new (const ArecGroupsOptions *options)
{
    ArecGroups *groups = g_new0 (ArecGroups, 1);

    g_assert (options->writer.max_parallelism >= 1 && options->writer.max_chunk_size > 0 &&
              options->n_lanes >= 1);
    groups->options = *options;
    groups->of_byte = options->writer.transpose ? MOST_OF_TRANSPOSED_BYTE : MEMORY_OF_BYTE;
    groups->filling = g_new0 (Group *, options->n_lanes);
    return groups;
}

/* The threads end first: they use all the rest. */
void
arec_groups_free (ArecGroups *groups)
{
    if (!groups) {
        return;
    }
    arec_pipeline_free (groups->pipeline, free_batch);
    free_batch (groups->gathering);
    for (size_t lane = 0; lane < groups->options.n_lanes; lane++) {
        free_group (groups->filling[lane]);
    }
    g_free (groups->filling);
    free_list (groups->idle);
    g_free (groups);
}
