#include "view/example.h"

#include "base/buffer.h"

/* A tag that a length follows. */
enum { LENGTH_DELIMITED = 2 };

static uint8_t *
put_front (uint8_t *at, unsigned field, uint64_t size)
{
    *at++ = (uint8_t)(field << 3 | LENGTH_DELIMITED);
    return at + arec_put_varint (at, size);
}

size_t
arec_example_number_size (uint64_t number)
{
    size_t size = 1;

    while (number >= 0x80) {
        number >>= 7;
        size++;
    }
    return size;
}

/* A field of @size bytes, with tag and length. */
static uint64_t
field_size (uint64_t size)
{
    return 1 + arec_example_number_size (size) + size;
}

size_t
arec_example_value_size (size_t size)
{
    return (size_t)field_size (size);
}

uint8_t *
arec_example_put_value (uint8_t *at, size_t size)
{
    return put_front (at, 1, size);
}

/* Numbers are packed: all of them are one field, which is left out when there are none. */
static uint64_t
list_size (const ArecExampleFeature *feature)
{
    return feature->kind == AREC_EXAMPLE_BYTES || feature->payload_size == 0
               ? feature->payload_size
               : field_size (feature->payload_size);
}

static uint64_t
feature_size (const ArecExampleFeature *feature)
{
    return feature->kind == AREC_EXAMPLE_NONE ? 0 : field_size (list_size (feature));
}

/* The entry without its tag and length. */
static uint64_t
content_size (size_t key_size, const ArecExampleFeature *feature)
{
    return field_size (key_size) + field_size (feature_size (feature));
}

uint64_t
arec_example_entry_size (size_t key_size, const ArecExampleFeature *feature)
{
    return field_size (content_size (key_size, feature));
}

uint8_t *
arec_example_put_key (uint8_t *at, size_t key_size, const ArecExampleFeature *feature)
{
    at = put_front (at, 1, content_size (key_size, feature));
    return put_front (at, 1, key_size);
}

uint8_t *
arec_example_put_feature (uint8_t *at, const ArecExampleFeature *feature)
{
    at = put_front (at, 2, feature_size (feature));
    if (feature->kind != AREC_EXAMPLE_NONE) {
        at = put_front (at, (unsigned)feature->kind, list_size (feature));
    }
    return list_size (feature) > feature->payload_size
               ? put_front (at, 1, feature->payload_size)
               : at;
}

size_t
arec_example_put_front (uint8_t at[AREC_EXAMPLE_MAX_FRONT], size_t features_size)
{
    return (size_t)(put_front (at, 1, features_size) - at);
}
