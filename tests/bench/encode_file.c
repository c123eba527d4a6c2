/* Encodes the records of a file through the engine's encoder, in groups, and hashes what it
 * makes, as a writer does before it writes.
 *
 *   encode_file PASSES GROUP CODEC[:LEVEL] FILE [RECORDS]
 *
 * Prints what measure.h says; its bytes are the position in a file after the last group.
 */
#include "groups.h"
#include "riegeli/block.h"
#include "riegeli/chunk_writer.h"
#include "riegeli/simple_encoder.h"

/* Where the first chunk begins, after the signature. */
#define BEGIN 64

typedef struct {
    Groups groups;
    ArecSimpleEncoder *encoder;
} Work;

static void
encode (const Work *work, const Group *group, uint64_t *position)
{
    const uint8_t *record = group->values;
    GError *error = NULL;
    ArecChunkHeader header;
    ArecBytes body;

    arec_simple_encoder_reset (work->encoder);
    for (size_t i = 0; i < group->n_records; i++) {
        size_t size = work->groups.record_sizes[group->first + i];

        if (!arec_simple_encoder_add (work->encoder, record, size, &error)) {
            groups_die (&work->groups, error->message);
        }
        record += size;
    }
    if (!arec_simple_encoder_encode (work->encoder, &work->groups.codec, &body, &error)) {
        groups_die (&work->groups, error->message);
    }
    header =
        arec_chunk_header_make (AREC_CHUNK_SIMPLE, group->n_records, group->values_size, body);
    *position = arec_block_chunk_end (*position, header.data_size, header.num_records);
}

static uint64_t
encode_all (void *data, uint64_t *bytes)
{
    const Work *work = data;

    *bytes = BEGIN;
    for (size_t i = 0; i < work->groups.n_groups; i++) {
        encode (work, &work->groups.groups[i], bytes);
    }
    return work->groups.n_records;
}

int
main (int argc, char **argv)
{
    Work work = {.encoder = arec_simple_encoder_new()};

    if (groups_load (&work.groups, "encode_file", argc, argv)) {
        groups_die (&work.groups, "writes nothing; write_records does");
    }
    measure (work.groups.passes, encode_all, &work);
    arec_simple_encoder_free (work.encoder);
    groups_clear (&work.groups);
    return 0;
}
