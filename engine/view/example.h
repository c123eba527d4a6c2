/* How a tf.train.Example lies in bytes: a message of Protocol Buffers,
 *
 *     Example      1: Features
 *     Features     1: an entry for each feature
 *     entry        1: the key        2: Feature
 *     Feature      1: BytesList      2: FloatList      3: Int64List       at most one of them
 *     BytesList    1: a value, for each
 *     FloatList    1: all values, little-endian, 4 bytes each
 *     Int64List    1: all values, varints
 *
 * A payload is what a list holds: of a BytesList its fields, of the others the values. Pure
 * functions, any thread. Sizes are below 2^31 each, so that their sums fit.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* Also the numbers of the fields of Feature. */
typedef enum {
    AREC_EXAMPLE_NONE = 0,
    AREC_EXAMPLE_BYTES = 1,
    AREC_EXAMPLE_FLOAT = 2,
    AREC_EXAMPLE_INT64 = 3,
} ArecExampleKind;

typedef struct {
    ArecExampleKind kind; /* NONE has no payload */
    size_t payload_size;
} ArecExampleFeature;

/* Bytes of a varint. */
size_t arec_example_number_size (uint64_t number);

/* Bytes of a value of a BytesList in its payload; put_value () writes those before its data. */
size_t arec_example_value_size (size_t size);
uint8_t *arec_example_put_value (uint8_t *at, size_t size);

/* Bytes of a feature within Features. */
uint64_t arec_example_entry_size (size_t key_size, const ArecExampleFeature *feature);

/* Write a feature but for its key and its payload: put_key () what comes before the key,
 * put_feature () what comes between the key and the payload, with which the entry ends. Return
 * the place after it. */
uint8_t *arec_example_put_key (uint8_t *at, size_t key_size, const ArecExampleFeature *feature);
uint8_t *arec_example_put_feature (uint8_t *at, const ArecExampleFeature *feature);

/* What comes before the features. */
enum { AREC_EXAMPLE_MAX_FRONT = 1 + AREC_MAX_VARINT };
size_t arec_example_put_front (uint8_t at[AREC_EXAMPLE_MAX_FRONT], size_t features_size);
