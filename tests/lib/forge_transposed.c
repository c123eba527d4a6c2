#include "forge_transposed.h"

#include <zstd.h>

#include "base/bytes.h"
#include "forge.h"

static TestBody *
empty_body (void)
{
    TestBody *body = g_new0 (TestBody, 1);

    body->buckets = g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
    body->rest = g_byte_array_new();
    body->transitions = g_byte_array_new();
    return body;
}

void
test_body_free (TestBody *body)
{
    if (!body) {
        return;
    }
    g_ptr_array_unref (body->buckets);
    g_byte_array_unref (body->rest);
    g_byte_array_unref (body->transitions);
    g_free (body);
}

TestBody *
test_body_new (const TestState *states, uint32_t n_states, uint32_t first,
               GByteArray *const *buffers, uint32_t n_buffers, const void *transitions,
               size_t n_transitions)
{
    TestBody *body = empty_body();

    body->n_buffers = n_buffers;
    for (uint32_t i = 0; i < n_buffers; i++) {
        test_forge_varint (body->rest, buffers[i]->len);
        g_ptr_array_add (body->buckets, g_byte_array_ref (buffers[i]));
    }
    test_forge_varint (body->rest, n_states);
    for (uint32_t i = 0; i < n_states; i++) {
        test_forge_varint (body->rest, states[i].tag);
    }
    for (uint32_t i = 0; i < n_states; i++) {
        test_forge_varint (body->rest, states[i].base + (states[i].is_implicit ? n_states : 0));
    }
    for (uint32_t i = 0; i < n_states; i++) {
        if (states[i].subtype >= 0) {
            uint8_t subtype = (uint8_t)states[i].subtype;

            g_byte_array_append (body->rest, &subtype, 1);
        }
    }
    for (uint32_t i = 0; i < n_states; i++) {
        if (states[i].buffer >= 0) {
            test_forge_varint (body->rest, (uint64_t)states[i].buffer);
        }
    }
    test_forge_varint (body->rest, first);
    g_byte_array_append (body->transitions, transitions, (guint)n_transitions);
    return body;
}

static uint64_t
take_varint (ArecBytes *bytes)
{
    uint64_t value = 0;

    g_assert_true (arec_bytes_take_varint (bytes, &value));
    return value;
}

static ArecBytes
take (ArecBytes *bytes, uint64_t size)
{
    const uint8_t *at = NULL;

    g_assert_true (arec_bytes_take (bytes, size, &at));
    return arec_bytes (at, size);
}

TestBody *
test_body_parse (const uint8_t *data, size_t size)
{
    TestBody *body = empty_body();
    ArecBytes bytes = arec_bytes (data, size), header;
    uint64_t n_buckets;

    g_assert_cmpuint (take_varint (&bytes), ==, AREC_COMPRESSION_NONE);
    header = take (&bytes, take_varint (&bytes));
    n_buckets = take_varint (&header);
    body->n_buffers = (uint32_t)take_varint (&header);
    for (uint64_t i = 0; i < n_buckets; i++) {
        ArecBytes bucket = take (&bytes, take_varint (&header));

        g_ptr_array_add (body->buckets, g_byte_array_append (g_byte_array_new(), bucket.at,
                                                             (guint)arec_bytes_left (&bucket)));
    }
    g_byte_array_append (body->rest, header.at, (guint)arec_bytes_left (&header));
    g_byte_array_append (body->transitions, bytes.at, (guint)arec_bytes_left (&bytes));
    return body;
}

/* A Zstd frame without its content size. */
static GByteArray *
compress_unsized (const void *data, size_t size)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    GByteArray *out = g_byte_array_new();
    size_t made;

    g_byte_array_set_size (out, (guint)ZSTD_compressBound (size));
    ZSTD_CCtx_setParameter (context, ZSTD_c_contentSizeFlag, 0);
    made = ZSTD_compress2 (context, out->data, out->len, data, size);
    g_assert_false (ZSTD_isError (made));
    ZSTD_freeCCtx (context);
    return g_byte_array_set_size (out, (guint)made);
}

static GByteArray *
write_block (const GByteArray *plain, const TestBlocks *blocks)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr (GByteArray) stream =
        blocks->compression == AREC_COMPRESSION_ZSTD && blocks->unsized
            ? compress_unsized (plain->data, plain->len)
            : test_forge_compress (blocks->compression, plain->data, plain->len);

    if (blocks->compression != AREC_COMPRESSION_NONE) {
        test_forge_varint (out, blocks->lies ? blocks->lie : plain->len);
    }
    return g_byte_array_append (out, stream->data, stream->len);
}

GByteArray *
test_body_write (const TestBody *body, const TestBlocks *blocks)
{
    GByteArray *out = g_byte_array_new();
    g_autoptr (GByteArray) plain = g_byte_array_new();
    g_autoptr (GByteArray) buckets = g_byte_array_new();
    g_autoptr (GByteArray) header = NULL;
    g_autoptr (GByteArray) transitions = write_block (body->transitions, blocks);
    uint8_t compression = (uint8_t)blocks->compression;

    test_forge_varint (plain, body->buckets->len);
    test_forge_varint (plain, body->n_buffers);
    for (guint i = 0; i < body->buckets->len; i++) {
        g_autoptr (GByteArray) block =
            write_block (g_ptr_array_index (body->buckets, i), blocks);

        test_forge_varint (plain, block->len);
        g_byte_array_append (buckets, block->data, block->len);
    }
    g_byte_array_append (plain, body->rest->data, body->rest->len);
    header = write_block (plain, blocks);
    g_byte_array_append (out, &compression, 1);
    test_forge_varint (out, header->len);
    g_byte_array_append (out, header->data, header->len);
    g_byte_array_append (out, buckets->data, buckets->len);
    return g_byte_array_append (out, transitions->data, transitions->len);
}
