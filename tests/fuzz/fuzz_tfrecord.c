/* TFRecord files, as `arec pack` reads them.
 *
 * - A file made of records gives them again, in order, then what it was damaged by says what
 *   comes next; nothing before the damage is lost.
 * - Any bytes, which may look compressed, end in records and an end, or in an error that names
 *   the input and is no fault of the system.
 * - A record that is given has the checksums that stand around it, and is not larger than is
 *   allowed. With `recover` those records are given, too, that come after a damaged one, and
 *   never fewer than without.
 * - Memory stays bounded by the limit on records, whatever lengths the file claims.
 *
 * Input: how to read, and records, each as it is, or with a damage; then bytes as they are.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <arec/arec.h>

#include "frame/crc32c.h"
#include "frame/tfrecord.h"
#include "fuzz.h"
#include "pack/input_tfrecord.h"

/* Bytes of a record that are allowed. */
enum { MAX_RECORD = 1 << 16 };

/* What the windows of the bytes as stored and decompressed take beside a record, and the
 * decompressors. */
#define MAX_MEMORY ((size_t)4 << 20)

enum { MAX_RECORDS = 50 };

/* How a file is read, and what came out. */
typedef struct {
    bool recover;
    unsigned n;
    uint32_t front;   /* checksum of the checksums of the first records, */
    unsigned n_front; /* at most so many of them; not all, as a bomb holds millions */
    unsigned n_damages;
    GError *error;
} Reading;

static void
count_damage (void *data, const char *name, uint64_t offset, const char *reason)
{
    Reading *reading = data;

    g_assert_nonnull (name);
    g_assert_nonnull (reason);
    g_assert_cmpuint (offset, <, UINT64_MAX);
    reading->n_damages++;
}

static void
append_record (GByteArray *file, ArecBytes data)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];
    size_t size = arec_bytes_left (&data);

    tool_tfrecord_make (data.at, size, header, trailer);
    g_byte_array_append (file, header, sizeof header);
    g_byte_array_append (file, data.at, (guint)size);
    g_byte_array_append (file, trailer, sizeof trailer);
}

/* A header whose checksum is right, for a length that is a lie. */
static void
append_lie (GByteArray *file, uint64_t length)
{
    uint8_t header[TOOL_TFRECORD_HEADER_SIZE], trailer[TOOL_TFRECORD_TRAILER_SIZE];

    length = GUINT64_TO_LE (length);
    tool_tfrecord_make (&length, sizeof length, header, trailer);
    g_byte_array_append (file, (const uint8_t *)&length, sizeof length);
    g_byte_array_append (file, trailer, sizeof trailer);
}

/* Makes the file; *n_sound records stand at its front, and *is_sound says that there is nothing
 * else. */
static GByteArray *
make_file (ArecBytes *input, unsigned *n_sound, bool *is_sound)
{
    GByteArray *file = g_byte_array_new();

    *n_sound = 0;
    *is_sound = true;
    for (unsigned i = 0; i < MAX_RECORDS && arec_bytes_left (input) > 0; i++) {
        unsigned what = fuzz_take_u8 (input);
        guint before = file->len;

        if (what == 0xff) {
            append_lie (file, fuzz_take_number (input));
            *is_sound = false;
            continue;
        }
        if (what == 0xfe) {
            ArecBytes rest = fuzz_take_bytes (input, SIZE_MAX);

            g_byte_array_append (file, rest.at, (guint)arec_bytes_left (&rest));
            *is_sound = *is_sound && arec_bytes_left (&rest) == 0;
            break;
        }
        append_record (file, fuzz_take_bytes (input, fuzz_take_number (input) % 5000));
        if (what & 1) {
            uint64_t at = fuzz_take_number (input) % (file->len - before);

            file->data[before + at] ^= (uint8_t)(1u << fuzz_take_u8 (input) % 8);
            *is_sound = false;
        }
        *n_sound += *is_sound;
    }
    return file;
}

static void
check_record (Reading *reading, const ToolInputRecord *record)
{
    ToolTfrecordCrc crc;
    const uint8_t *data = record->data;
    uint32_t both[2];
    uint64_t length;

    g_assert_cmpuint (record->size, <=, MAX_RECORD);
    g_assert_true (
        tool_tfrecord_parse_header (data - TOOL_TFRECORD_HEADER_SIZE, &length, &crc));
    g_assert_cmpuint (length, ==, record->size);
    g_assert_true (tool_tfrecord_check_data (data, record->size, &crc));
    if (reading->n++ < reading->n_front) {
        both[0] = reading->front;
        both[1] = tool_crc32c (data, record->size);
        reading->front = tool_crc32c (both, sizeof both);
    }
}

static void
check_error (const GError *error)
{
    g_assert_true (g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) ||
                   g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT) ||
                   g_error_matches (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED));
    g_assert_nonnull (strstr (error->message, "/fd/"));
    g_assert_cmpuint (strlen (error->message), <=, 400);
}

static void
read_file (const char *path, Reading *reading)
{
    g_auto (ToolNameList) names = {0};
    const ToolInputOptions options = {
        .names = &names,
        .max_record = MAX_RECORD,
        .recover = reading->recover,
        .damage = count_damage,
        .data = reading,
    };
    ToolInputRecord record;
    ToolInputStep step;
    ToolInput *input;

    g_assert_true (tool_name_list_add (&names, path, strlen (path), NULL));
    input = tool_input_tfrecord_new (&options, &reading->error);
    g_assert_no_error (reading->error);
    while ((step = tool_input_next (input, &record, &reading->error)) == TOOL_INPUT_RECORD) {
        check_record (reading, &record);
    }
    g_assert_true ((step == TOOL_INPUT_FAILED) == (reading->error != NULL));
    if (reading->error) {
        check_error (reading->error);
    }
    tool_input_free (input);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes bytes = arec_bytes (data, size);
    Reading plain = {.n_front = UINT_MAX}, recovered = {.recover = true};
    unsigned n_sound;
    bool is_sound;
    g_autoptr (GByteArray) file = make_file (&bytes, &n_sound, &is_sound);
    int fd = memfd_create ("fuzz", MFD_CLOEXEC);
    g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (write (fd, file->data, file->len), ==, (ssize_t)file->len);
    fuzz_memory_bound (MAX_MEMORY + 4 * (file->len + size) + 64 * (size_t)MAX_RECORD);
    read_file (path, &plain);
    recovered.n_front = plain.n;
    read_file (path, &recovered);
    fuzz_memory_unbound();
    g_assert_cmpuint (plain.n, >=, n_sound);
    g_assert_true (!is_sound || (plain.n == n_sound && !plain.error));
    g_assert_cmpuint (plain.n_damages, ==, 0);
    g_assert_cmpuint (recovered.n, >=, plain.n);
    g_assert_cmphex (recovered.front, ==, plain.front);
    g_assert_true (plain.error || recovered.n_damages == 0);
    g_clear_error (&plain.error);
    g_clear_error (&recovered.error);
    close (fd);
    return 0;
}
