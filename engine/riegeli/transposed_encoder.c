#include "riegeli/transposed_encoder.h"

#include <inttypes.h>

#include "base/buffer.h"
#include "base/error.h"
#include "riegeli/machine_bytes.h"
#include "riegeli/packed_buffer.h"
#include "riegeli/transposed_split.h"

struct ArecTransposedEncoder {
    uint64_t n_records;
    ArecBuffer sizes;   /* a varint each */
    ArecBuffer records; /* one after the other */
    /* Of the chunk that is encoded. */
    ArecTransposedSplit split;
    ArecTransposedSymbols symbols;
    ArecTransposedBuckets buckets;
    ArecTransposedMachine machine;
    ArecBuffer header; /* plain */
    ArecBuffer body;
    /* Of one that is compressed. */
    ArecBuffer values;      /* plain bytes of all buckets */
    ArecBuffer packed;      /* the buckets as they are stored */
    ArecBuffer front;       /* the header as it is stored */
    ArecBuffer transitions; /* plain */
};

ArecTransposedEncoder *
arec_transposed_encoder_new (void)
{
    ArecTransposedEncoder *encoder = g_new0 (ArecTransposedEncoder, 1);

    arec_transposed_symbols_init (&encoder->symbols);
    return encoder;
}

void
arec_transposed_encoder_free (ArecTransposedEncoder *encoder)
{
    if (!encoder) {
        return;
    }
    arec_buffer_clear (&encoder->sizes);
    arec_buffer_clear (&encoder->records);
    arec_transposed_split_clear (&encoder->split);
    arec_transposed_symbols_clear (&encoder->symbols);
    arec_transposed_buckets_clear (&encoder->buckets);
    arec_transposed_machine_clear (&encoder->machine);
    arec_buffer_clear (&encoder->values);
    arec_buffer_clear (&encoder->packed);
    arec_buffer_clear (&encoder->header);
    arec_buffer_clear (&encoder->transitions);
    arec_buffer_clear (&encoder->front);
    arec_buffer_clear (&encoder->body);
    g_free (encoder);
}

void
arec_transposed_encoder_reset (ArecTransposedEncoder *encoder)
{
    encoder->n_records = 0;
    encoder->sizes.size = 0;
    encoder->records.size = 0;
}

uint64_t
arec_transposed_encoder_n_records (const ArecTransposedEncoder *encoder)
{
    return encoder->n_records;
}

uint64_t
arec_transposed_encoder_decoded_size (const ArecTransposedEncoder *encoder)
{
    return encoder->records.size;
}

static uint64_t
memory_of_symbols (const ArecTransposedSymbols *symbols)
{
    return symbols->fields_capacity * sizeof *symbols->fields +
           symbols->symbols_capacity * sizeof *symbols->symbols +
           symbols->steps_capacity * sizeof *symbols->steps +
           symbols->sequence_capacity * sizeof *symbols->sequence +
           symbols->field_numbers.n_slots * sizeof *symbols->field_numbers.slots +
           symbols->step_numbers.n_slots * sizeof *symbols->step_numbers.slots;
}

static uint64_t
memory_of_machine (const ArecTransposedMachine *machine)
{
    const ArecStateLists *lists = &machine->lists;

    return machine->symbols_capacity * sizeof *machine->symbols +
           machine->steps_capacity * sizeof *machine->steps +
           machine->order_capacity * sizeof *machine->step_order +
           machine->placed_capacity * sizeof *machine->placed +
           machine->items_capacity * sizeof *machine->items + machine->routes.capacity +
           lists->capacity * sizeof *lists->states +
           lists->nodes_capacity * sizeof *lists->nodes +
           lists->stacks_capacity * sizeof *lists->stacks;
}

uint64_t
arec_transposed_encoder_memory (const ArecTransposedEncoder *encoder)
{
    const ArecTransposedSplit *split = &encoder->split;
    const ArecTransposedBuckets *buckets = &encoder->buckets;

    return encoder->sizes.capacity + encoder->records.capacity + encoder->header.capacity +
           encoder->body.capacity + encoder->values.capacity + encoder->packed.capacity +
           encoder->front.capacity + encoder->transitions.capacity +
           split->groups.capacity * sizeof *split->groups.numbers +
           split->capacity * sizeof *split->open +
           buckets->buffers_capacity * sizeof *buckets->buffers +
           buckets->buckets_capacity * sizeof *buckets->bucket_sizes +
           memory_of_symbols (&encoder->symbols) + memory_of_machine (&encoder->machine);
}

/* No bytes lie somewhere, too: a cursor goes over them. */
static inline ArecBytes
bytes_of (const ArecBuffer *buffer)
{
    return arec_bytes (buffer->data ? buffer->data : (const uint8_t *)"", buffer->size);
}

static bool
fail_memory (const ArecTransposedEncoder *encoder, GError **error)
{
    return arec_fail (error, AREC_ERROR_NOMEM,
                      "no memory to transpose %" PRIu64 " records of %zu bytes",
                      encoder->n_records, encoder->records.size);
}

/* ---- records ---- */

static bool
fail_long (uint64_t number, GError **error)
{
    return arec_fail (error, AREC_ERROR_LIMIT,
                      "record %" PRIu64 " of its chunk has 4 GiB or more in one piece, which "
                      "a transposed chunk cannot hold",
                      number);
}

/* Messages of any length can be held, if their strings can. */
static bool
check_long_record (ArecTransposedEncoder *encoder, ArecBytes record, GError **error)
{
    switch (arec_canonical_message_test (record, &encoder->split.groups)) {
    case AREC_CANONICAL_YES: return true;
    case AREC_CANONICAL_NO: return fail_long (encoder->n_records, error);
    case AREC_CANONICAL_NOMEM: break;
    }
    return fail_memory (encoder, error);
}

bool
arec_transposed_encoder_add (ArecTransposedEncoder *encoder, const void *data, size_t size,
                             GError **error)
{
    if (size > UINT32_MAX && !check_long_record (encoder, arec_bytes (data, size), error)) {
        return false;
    }
    if (!arec_buffer_reserve (&encoder->sizes, AREC_MAX_VARINT) ||
        !arec_buffer_append (&encoder->records, data, size)) {
        return arec_fail (error, AREC_ERROR_NOMEM,
                          "no memory for a record of %zu bytes after %" PRIu64
                          " others of %zu bytes in its chunk",
                          size, encoder->n_records, encoder->records.size);
    }
    arec_buffer_append_varint (&encoder->sizes, size);
    encoder->n_records++;
    return true;
}

/* ---- taking apart ---- */

static bool
fail_split (const ArecTransposedEncoder *encoder, ArecSplitResult result, uint64_t number,
            GError **error)
{
    switch (result) {
    case AREC_SPLIT_TOO_LONG: return fail_long (number, error);
    case AREC_SPLIT_TOO_MANY:
        return arec_fail (error, AREC_ERROR_LIMIT,
                          "the messages of a transposed chunk have more than 2^32 fields");
    case AREC_SPLIT_OK:
    case AREC_SPLIT_NOMEM: break;
    }
    return fail_memory (encoder, error);
}

static bool
split_records (ArecTransposedEncoder *encoder, GError **error)
{
    ArecBytes sizes = bytes_of (&encoder->sizes), records = bytes_of (&encoder->records);

    arec_transposed_symbols_reset (&encoder->symbols);
    for (uint64_t i = 0; i < encoder->n_records; i++) {
        const uint8_t *begin = records.at;
        ArecSplitResult result;
        uint64_t size = 0;

        arec_bytes_take_varint (&sizes, &size);
        arec_bytes_take (&records, size, &begin);
        result = arec_transposed_split_record (&encoder->split, arec_bytes (begin, size),
                                               &encoder->symbols);
        if (result != AREC_SPLIT_OK) {
            return fail_split (encoder, result, i, error);
        }
    }
    return true;
}

static bool
build_machine (ArecTransposedEncoder *encoder, const ArecMachineLimits *limits, GError **error)
{
    const ArecMachineLimits usual = AREC_MACHINE_LIMITS;

    if (limits->max_offset == 0) {
        limits = &usual;
    }
    switch (arec_transposed_machine_build (&encoder->machine, &encoder->symbols, limits)) {
    case AREC_STATES_OK: return true;
    case AREC_STATES_TOO_MANY:
        return arec_fail (error, AREC_ERROR_LIMIT,
                          "the messages of a transposed chunk differ in more than 2^31 ways");
    case AREC_STATES_NOMEM: break;
    }
    return fail_memory (encoder, error);
}

/* ---- body ---- */

/* Appends the values of all buffers to @out. */
static bool
append_values (ArecTransposedEncoder *encoder, ArecBuffer *out, GError **error)
{
    const ArecTransposedBuckets *buckets = &encoder->buckets;

    if (!arec_buffer_reserve (out, MAX (buckets->size, 1))) {
        return fail_memory (encoder, error);
    }
    arec_transposed_buckets_fill (buckets, &encoder->symbols, bytes_of (&encoder->records),
                                  bytes_of (&encoder->sizes), out->data + out->size);
    out->size += buckets->size;
    return true;
}

/* Appends a bucket to `packed`, and its stored size to the header. The reference tells the
 * codec the size of a bucket before its bytes, which makes small ones of numbers up to a fifth
 * smaller. */
static bool
pack_bucket (ArecTransposedEncoder *encoder, const ArecCodecOptions *codec, ArecBytes plain,
             GError **error)
{
    size_t before = encoder->packed.size;
    ArecCodecOptions tuned = *codec;

    tuned.tunes_to_size = true;
    return arec_packed_buffer_append (&encoder->packed, &tuned, plain, error) &&
           (arec_buffer_append_varint (&encoder->header, encoder->packed.size - before) ||
            fail_memory (encoder, error));
}

static bool
pack_buckets (ArecTransposedEncoder *encoder, const ArecCodecOptions *codec, GError **error)
{
    const ArecTransposedBuckets *buckets = &encoder->buckets;
    const uint8_t *at;

    encoder->values.size = encoder->packed.size = 0;
    if (!append_values (encoder, &encoder->values, error)) {
        return false;
    }
    at = encoder->values.data;
    for (size_t i = 0; i < buckets->n_buckets; i++) {
        uint64_t size = buckets->bucket_sizes[i];

        if (!pack_bucket (encoder, codec, arec_bytes (at, size), error)) {
            return false;
        }
        at += size;
    }
    return true;
}

/* Without compression a bucket is stored as it is: its size is known before it is there. */
static bool
append_bucket_sizes (ArecTransposedEncoder *encoder, GError **error)
{
    const ArecTransposedBuckets *buckets = &encoder->buckets;

    for (size_t i = 0; i < buckets->n_buckets; i++) {
        if (!arec_buffer_append_varint (&encoder->header, buckets->bucket_sizes[i])) {
            return fail_memory (encoder, error);
        }
    }
    return true;
}

static bool
append_buffer_sizes (ArecTransposedEncoder *encoder)
{
    const ArecTransposedBuckets *buckets = &encoder->buckets;

    for (size_t i = 0; i < buckets->n_buffers; i++) {
        if (!arec_buffer_append_varint (&encoder->header, buckets->buffers[i].size)) {
            return false;
        }
    }
    return buckets->lengths_size == 0 ||
           arec_buffer_append_varint (&encoder->header, buckets->lengths_size);
}

/* The header, plain, and `packed`, if anything is. */
static bool
make_header (ArecTransposedEncoder *encoder, const ArecCodecOptions *codec, GError **error)
{
    const ArecTransposedBuckets *buckets = &encoder->buckets;
    ArecBuffer *header = &encoder->header;

    header->size = 0;
    if (!arec_buffer_append_varint (header, buckets->n_buckets) ||
        !arec_buffer_append_varint (header, buckets->n_buffers + (buckets->lengths_size > 0))) {
        return fail_memory (encoder, error);
    }
    if (codec->compression == AREC_COMPRESSION_NONE ? !append_bucket_sizes (encoder, error)
                                                    : !pack_buckets (encoder, codec, error)) {
        return false;
    }
    return (append_buffer_sizes (encoder) &&
            arec_machine_bytes_append_states (&encoder->machine, &encoder->symbols, header)) ||
           fail_memory (encoder, error);
}

/* Begins the body with what stands before the buckets. */
static bool
begin_body (ArecTransposedEncoder *encoder, ArecCompression compression,
            const ArecBuffer *header, GError **error)
{
    ArecBuffer *body = &encoder->body;
    uint8_t byte = (uint8_t)compression;

    body->size = 0;
    return (arec_buffer_append (body, &byte, 1) &&
            arec_buffer_append_varint (body, header->size) &&
            arec_buffer_append (body, header->data, header->size)) ||
           fail_memory (encoder, error);
}

static bool
append_transitions (ArecTransposedEncoder *encoder, ArecBuffer *out, GError **error)
{
    return arec_machine_bytes_append_transitions (&encoder->machine, &encoder->symbols, out) ||
           fail_memory (encoder, error);
}

/* Values and transitions are made where they stay. */
static bool
make_plain_body (ArecTransposedEncoder *encoder, GError **error)
{
    return begin_body (encoder, AREC_COMPRESSION_NONE, &encoder->header, error) &&
           append_values (encoder, &encoder->body, error) &&
           append_transitions (encoder, &encoder->body, error);
}

static bool
make_packed_body (ArecTransposedEncoder *encoder, const ArecCodecOptions *codec, GError **error)
{
    encoder->front.size = encoder->transitions.size = 0;
    if (!arec_packed_buffer_append (&encoder->front, codec, bytes_of (&encoder->header),
                                    error) ||
        !begin_body (encoder, codec->compression, &encoder->front, error)) {
        return false;
    }
    if (!arec_buffer_append (&encoder->body, encoder->packed.data, encoder->packed.size)) {
        return fail_memory (encoder, error);
    }
    return append_transitions (encoder, &encoder->transitions, error) &&
           arec_packed_buffer_append (&encoder->body, codec, bytes_of (&encoder->transitions),
                                      error);
}

bool
arec_transposed_encoder_encode (ArecTransposedEncoder *encoder,
                                const ArecTransposedOptions *options, ArecBytes *body,
                                GError **error)
{
    const ArecCodecOptions *codec = &options->codec;
    bool is_plain = codec->compression == AREC_COMPRESSION_NONE;

    if (!split_records (encoder, error)) {
        return false;
    }
    if (!arec_transposed_buckets_plan (&encoder->buckets, &encoder->symbols,
                                       is_plain ? AREC_ONE_BUCKET : options->bucket_size)) {
        return fail_memory (encoder, error);
    }
    if (!build_machine (encoder, &options->machine, error) ||
        !make_header (encoder, codec, error)) {
        return false;
    }
    if (is_plain ? !make_plain_body (encoder, error)
                 : !make_packed_body (encoder, codec, error)) {
        return false;
    }
    *body = bytes_of (&encoder->body);
    return true;
}
