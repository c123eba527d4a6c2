/* tf.train.Example, the message that most datasets of TensorFlow have as their records.
 *
 * ArecExampleJson makes such messages of JSON objects. One thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include <arec/visibility.h>

G_BEGIN_DECLS

/* Keys of one object: bounds the memory that finding doubled ones takes. */
#define AREC_MAX_EXAMPLE_KEYS (1u << 20)

typedef struct ArecExampleJson ArecExampleJson;

/* @max_size  bytes of a message; it is never larger than 2 GiB - 1, which is the most that a
 *            message of Protocol Buffers may have. */
AREC_PUBLIC ArecExampleJson *arec_example_json_new (uint64_t max_size);
AREC_PUBLIC void arec_example_json_free (ArecExampleJson *json); /* takes NULL */

/* Makes a message of @text, one JSON object as arec_json_check () takes it: a feature of each
 * member, in the order of the object.
 *
 *     a string                   bytes_list: its UTF-8
 *     a number without fraction  int64_list
 *       and exponent
 *     another number             float_list, rounded as (float)(double)
 *     true, false                int64_list: 1, 0
 *     null                       bytes_list without a value
 *     an object                  bytes_list: its text, as it stands
 *     an array                   the list of its elements, which are all strings, numbers,
 *                                booleans, objects or arrays; an array in it is its text. One
 *                                number with a fraction or an exponent makes a float_list
 *     []                         a feature without a list, which passes for any list
 *
 * @data, @data_size  (out) the message; it stays with @json, until the next call.
 * @at                (out) where @text goes wrong; set on failure.
 * Errors: those of arec_json_check (); CORRUPT, the text is no object, a key stands twice, or a
 * value does not fit (integers beyond 64 bits, numbers beyond a float, mixed arrays, null in an
 * array, half a surrogate pair); LIMIT; NOMEM. */
AREC_PUBLIC bool arec_example_json_encode (ArecExampleJson *json, const char *text, size_t size,
                                           const void **data, size_t *data_size, size_t *at,
                                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ArecExampleJson, arec_example_json_free)

G_END_DECLS
