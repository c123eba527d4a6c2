/* Tar archives, as `arec pack` reads them, plain and gzip.
 *
 * - An archive made of members gives their bytes, in order, then what it was damaged by says
 *   what comes next; nothing before the damage is lost.
 * - Any bytes, which may look compressed, end in records and an end, or in an error that names
 *   the input and is no fault of the system.
 * - A record is not larger than is allowed.
 * - Samples are archives themselves, which end well: the members of all, one after the other,
 *   are the records of the archive.
 * - Memory stays bounded by the limit on records and by that on headers, whatever they claim.
 *
 * Other forms of compression are left out: their libraries take memory as their streams say.
 *
 * Input: headers with right checksums and bytes behind them, or bytes as they are.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <arec/arec.h>

#include "frame/crc32c.h"
#include "fuzz.h"
#include "pack/form.h"
#include "pack/input_tar.h"
#include "pack/input_webdataset.h"
#include "pack/tar_stream.h"

#ifdef TOOL_HAVE_LIBARCHIVE

/* Bytes of a record that are allowed. */
enum { MAX_RECORD = 1 << 16 };

/* What the windows of the bytes as stored and decompressed take beside a record, the
 * decompressor, and the lists that libarchive makes of the largest map of holes. */
#define MAX_MEMORY ((size_t)56 << 20)

enum { MAX_STEPS = 50, BLOCK = 512, SIZE_AT = 124, CHECKSUM_AT = 148, TYPE_AT = 156 };

/* What came out of a file. */
typedef struct {
    unsigned n;
    uint32_t front;   /* checksum of the checksums of the first records, */
    unsigned n_front; /* at most so many of them */
    GError *error;
} Reading;

/* ---- the file ---- */

static void
repair_checksum (uint8_t *header)
{
    unsigned sum = 0;
    char text[8];

    memset (header + CHECKSUM_AT, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++) {
        sum += header[i];
    }
    g_snprintf (text, sizeof text, "%06o", sum);
    memcpy (header + CHECKSUM_AT, text, 7);
}

static void
append_bytes (GByteArray *file, ArecBytes bytes)
{
    static const uint8_t zeros[BLOCK];
    size_t size = arec_bytes_left (&bytes);

    g_byte_array_append (file, bytes.at, (guint)size);
    g_byte_array_append (file, zeros, (guint)tool_tar_stream_padding (size));
}

/* A member that is as it should be. */
static void
append_member (GByteArray *file, ArecBytes *input)
{
    g_autofree char *text = fuzz_take_text (input, fuzz_take_number (input) % 200);
    g_autofree char *name = g_strconcat (text, "0", NULL); /* not that of a directory */
    ArecBytes bytes = fuzz_take_bytes (input, fuzz_take_number (input) % 3000);
    const ToolTarMember member = {.name = *name ? name : "0", .size = arec_bytes_left (&bytes)};

    tool_tar_stream_put_header (file, &member);
    append_bytes (file, bytes);
}

/* A header of any type and size, with any bytes somewhere, and bytes that may be fewer. */
static void
append_any (GByteArray *file, ArecBytes *input)
{
    uint8_t type = fuzz_take_u8 (input);
    uint64_t size = fuzz_take_number (input), at = fuzz_take_number (input) % BLOCK;
    ArecBytes over = fuzz_take_bytes (input, fuzz_take_u8 (input) % 32);
    size_t n_over = MIN (arec_bytes_left (&over), BLOCK - at);
    const ToolTarMember member = {.name = "any", .size = MIN (size, 1u << 30)};
    guint header = file->len;

    tool_tar_stream_put_header (file, &member);
    if (size > member.size) { /* as GNU tar writes it */
        file->data[header + SIZE_AT] = 0x80;
        for (unsigned i = 0; i < 8; i++) {
            file->data[header + SIZE_AT + 4 + i] = (uint8_t)(size >> (56 - 8 * i));
        }
    }
    file->data[header + TYPE_AT] = type;
    memcpy (file->data + header + at, over.at, n_over);
    repair_checksum (file->data + header);
    append_bytes (file, fuzz_take_bytes (input, fuzz_take_number (input) % 5000));
}

/* Makes the file; *n_sound members stand at its front, and *is_sound says that there is nothing
 * else but an end. */
static GByteArray *
make_file (ArecBytes *input, unsigned *n_sound, bool *is_sound)
{
    GByteArray *file = g_byte_array_new();

    *n_sound = 0;
    *is_sound = true;
    for (unsigned i = 0; i < MAX_STEPS && arec_bytes_left (input) > 0; i++) {
        unsigned what = fuzz_take_u8 (input);

        if (what == 0xff) {
            ArecBytes rest = fuzz_take_bytes (input, SIZE_MAX);

            g_byte_array_append (file, rest.at, (guint)arec_bytes_left (&rest));
            *is_sound = *is_sound && arec_bytes_left (&rest) == 0;
        } else if (what & 1) {
            append_any (file, input);
            *is_sound = false;
        } else {
            append_member (file, input);
            *n_sound += *is_sound;
        }
    }
    if (*is_sound) {
        tool_tar_stream_put_end (file);
    }
    return file;
}

/* ---- reading it ---- */

static void
count_record (Reading *reading, const void *data, size_t size)
{
    uint32_t both[2];

    if (reading->n++ < reading->n_front) {
        both[0] = reading->front;
        both[1] = tool_crc32c (data, size);
        reading->front = tool_crc32c (both, sizeof both);
    }
}

static void
check_error (const GError *error)
{
    g_assert_true (g_error_matches (error, AREC_ERROR, AREC_ERROR_CORRUPT) ||
                   g_error_matches (error, AREC_ERROR, AREC_ERROR_LIMIT) ||
                   g_error_matches (error, AREC_ERROR, AREC_ERROR_FORMAT) ||
                   g_error_matches (error, AREC_ERROR, AREC_ERROR_UNSUPPORTED));
    g_assert_nonnull (strstr (error->message, "/fd/"));
    g_assert_cmpuint (strlen (error->message), <=, 600);
}

typedef void (*RecordFunc) (Reading *reading, const void *data, size_t size);
typedef ToolInput *(*MakeInput) (const ToolInputOptions *options, GError **error);

static void
read_file (int fd, MakeInput make, uint64_t max_record, RecordFunc record_func,
           Reading *reading)
{
    g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
    g_auto (ToolNameList) names = {0};
    const ToolInputOptions options = {.names = &names, .max_record = max_record};
    ToolInputRecord record;
    ToolInputStep step;
    ToolInput *input;

    g_assert_true (tool_name_list_add (&names, path, strlen (path), NULL));
    input = make (&options, &reading->error);
    g_assert_no_error (reading->error);
    while ((step = tool_input_next (input, &record, &reading->error)) == TOOL_INPUT_RECORD) {
        g_autofree char *place = tool_input_place (input);

        g_assert_cmpuint (record.size, <=, max_record);
        g_assert_nonnull (strstr (place, "/fd/"));
        record_func (reading, record.data, record.size);
    }
    g_assert_true ((step == TOOL_INPUT_FAILED) == (reading->error != NULL));
    if (reading->error) {
        check_error (reading->error);
    }
    tool_input_free (input);
}

/* A file of these bytes, without a name. */
static int
make_fd (const void *data, size_t size)
{
    int fd = memfd_create ("fuzz", MFD_CLOEXEC);

    g_assert_cmpint (fd, >=, 0);
    g_assert_cmpint (write (fd, data, size), ==, (ssize_t)size);
    return fd;
}

/* The members of a sample. */
static void
count_members (Reading *reading, const void *data, size_t size)
{
    int fd = make_fd (data, size);

    read_file (fd, tool_input_tar_new, MAX_RECORD, count_record, reading);
    g_assert_no_error (reading->error);
    close (fd);
}

static bool
is_left_out (const GByteArray *file)
{
    return tool_form_detect (TOOL_FORM_BZIP2 | TOOL_FORM_XZ | TOOL_FORM_ZSTD | TOOL_FORM_LZ4,
                             file->data, file->len) != TOOL_FORM_PLAIN;
}

static void
read_both (const GByteArray *file, unsigned n_sound, bool is_sound)
{
    Reading records = {.n_front = UINT_MAX}, members = {0};
    int fd = make_fd (file->data, file->len);

    read_file (fd, tool_input_tar_new, MAX_RECORD, count_record, &records);
    members.n_front = records.n;
    read_file (fd, tool_input_webdataset_new, (uint64_t)16 * MAX_RECORD, count_members,
               &members);
    g_assert_cmpuint (records.n, >=, n_sound);
    g_assert_true (!is_sound || (records.n == n_sound && !records.error));
    if (!records.error && !members.error) {
        g_assert_cmpuint (members.n, ==, records.n);
        g_assert_cmphex (members.front, ==, records.front);
    }
    g_clear_error (&records.error);
    g_clear_error (&members.error);
    close (fd);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    ArecBytes bytes = arec_bytes (data, size);
    unsigned n_sound;
    bool is_sound;
    g_autoptr (GByteArray) file = make_file (&bytes, &n_sound, &is_sound);

    if (!is_left_out (file)) {
        fuzz_memory_bound (MAX_MEMORY + 4 * (file->len + size) + 64 * (size_t)MAX_RECORD);
        read_both (file, n_sound, is_sound);
        fuzz_memory_unbound();
    }
    return 0;
}

#else

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    return data && size ? 0 : 0;
}

#endif
