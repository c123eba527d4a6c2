/* HighwayHash64 with a key: whoever does not know the key cannot make bytes that match.
 *
 * Pure. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t words[4];
} ArecHashKey;

#define AREC_HASH_KEY_SIZE 32

/* The key that @bytes are, wherever they are read. */
ArecHashKey arec_hash_key (const uint8_t bytes[AREC_HASH_KEY_SIZE]);

/* Another key, for the use that @data, of @size bytes, names. Neither tells of the other. */
ArecHashKey arec_hash_key_derive (const ArecHashKey *key, const void *data, size_t size);

uint64_t arec_keyed_hash (const ArecHashKey *key, const void *data, size_t size);

/* 128 bits, as 32 lower-case hex digits and a NUL. */
#define AREC_KEYED_NAME_SIZE 33
void arec_keyed_name (const ArecHashKey *key, const void *data, size_t size,
                      char out[AREC_KEYED_NAME_SIZE]);
