#include "base/keyed_hash.h"

#include <inttypes.h>
#include <stdio.h>

#include <highwayhash/c_bindings.h>

#include "base/bytes.h"

/* The same key for another word of a result that is longer than 64 bits. */
static ArecHashKey
key_of_word (const ArecHashKey *key, uint64_t word)
{
    ArecHashKey other = *key;

    other.words[3] ^= word;
    return other;
}

ArecHashKey
arec_hash_key (const uint8_t bytes[AREC_HASH_KEY_SIZE])
{
    ArecHashKey key;

    for (size_t i = 0; i < G_N_ELEMENTS (key.words); i++) {
        key.words[i] = arec_le64 (bytes + 8 * i);
    }
    return key;
}

uint64_t
arec_keyed_hash (const ArecHashKey *key, const void *data, size_t size)
{
    return HighwayHash64 (key->words, size > 0 ? data : "", size);
}

ArecHashKey
arec_hash_key_derive (const ArecHashKey *key, const void *data, size_t size)
{
    ArecHashKey derived;

    for (uint64_t i = 0; i < G_N_ELEMENTS (derived.words); i++) {
        ArecHashKey of_word = key_of_word (key, i + 1);

        derived.words[i] = arec_keyed_hash (&of_word, data, size);
    }
    return derived;
}

void
arec_keyed_name (const ArecHashKey *key, const void *data, size_t size,
                 char out[AREC_KEYED_NAME_SIZE])
{
    ArecHashKey wide = arec_hash_key_derive (key, data, size);

    snprintf (out, AREC_KEYED_NAME_SIZE, "%016" PRIx64 "%016" PRIx64, wide.words[0],
              wide.words[1]);
}
