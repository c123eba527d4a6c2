#include "pack/tar_stream.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
    BLOCK = 512,
    MODE = 0644,
};

/* The largest number in a field of 12 bytes: 11 octal digits and a NUL. */
#define MAX_OCTAL ((UINT64_C (1) << 33) - 1)

/* A header as POSIX lays it out, one block. */
typedef struct {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link_name[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char major[8];
    char minor[8];
    char prefix[155];
    char rest[12];
} Header;

G_STATIC_ASSERT (sizeof (Header) == BLOCK);

/* Octal digits over the whole field but its last byte, which stays NUL. */
static void
put_octal (char *field, size_t size, uint64_t number)
{
    for (size_t i = size - 1; i-- > 0; number /= 8) {
        field[i] = (char)('0' + number % 8);
    }
}

/* The sum of all bytes, those of the checksum itself taken as spaces. */
static unsigned
sum_of (const Header *header)
{
    const uint8_t *bytes = (const uint8_t *)header;
    unsigned sum = 0;

    for (size_t i = 0; i < sizeof *header; i++) {
        sum += bytes[i];
    }
    return sum;
}

/* @name  cut to the field, which needs no NUL. */
static void
put_block (GByteArray *out, char type, const char *name, uint64_t size, uint64_t mtime)
{
    Header header = {.type = type, .magic = "ustar", .version = {'0', '0'}};

    memcpy (header.name, name, MIN (strlen (name), sizeof header.name));
    put_octal (header.mode, sizeof header.mode, MODE);
    put_octal (header.uid, sizeof header.uid, 0);
    put_octal (header.gid, sizeof header.gid, 0);
    put_octal (header.size, sizeof header.size, size);
    put_octal (header.mtime, sizeof header.mtime, mtime);
    put_octal (header.major, sizeof header.major, 0);
    put_octal (header.minor, sizeof header.minor, 0);
    memset (header.checksum, ' ', sizeof header.checksum);
    put_octal (header.checksum, sizeof header.checksum - 1, sum_of (&header));
    header.checksum[sizeof header.checksum - 2] = '\0';
    g_byte_array_append (out, (const uint8_t *)&header, sizeof header);
}

static size_t
digits_of (size_t number)
{
    size_t digits = 1;

    while (number >= 10) {
        number /= 10;
        digits++;
    }
    return digits;
}

/* `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
static void
add_record (GString *records, const char *key, const char *value)
{
    size_t rest = strlen (key) + strlen (value) + 3; /* the space, `=` and the newline */
    size_t length = rest + digits_of (rest);

    if (digits_of (length) > digits_of (rest)) {
        length++;
    }
    g_string_append_printf (records, "%zu %s=%s\n", length, key, value);
}

static bool
fits (uint64_t number)
{
    return number <= MAX_OCTAL;
}

static bool
time_fits (int64_t time)
{
    return time >= 0 && fits ((uint64_t)time);
}

static void
put_zeros (GByteArray *out, size_t n)
{
    static const uint8_t zeros[TOOL_TAR_STREAM_END];

    g_byte_array_append (out, zeros, (guint)n);
}

/* What the header of @member cannot hold, as the records of a pax header. */
static void
put_pax (GByteArray *out, const ToolTarMember *member)
{
    g_autoptr (GString) records = g_string_new (NULL);
    char number[32];

    if (strlen (member->name) > sizeof ((Header *)NULL)->name) {
        add_record (records, "path", member->name);
    }
    if (!fits (member->size)) {
        snprintf (number, sizeof number, "%" PRIu64, member->size);
        add_record (records, "size", number);
    }
    if (!time_fits (member->mtime)) {
        snprintf (number, sizeof number, "%" PRId64, member->mtime);
        add_record (records, "mtime", number);
    }
    if (records->len > 0) {
        put_block (out, 'x', "././@PaxHeader", records->len, 0);
        g_byte_array_append (out, (const uint8_t *)records->str, (guint)records->len);
        put_zeros (out, tool_tar_stream_padding (records->len));
    }
}

void
tool_tar_stream_put_header (GByteArray *out, const ToolTarMember *member)
{
    put_pax (out, member);
    /* A field whose value is in the pax header is not read. */
    put_block (out, '0', member->name, fits (member->size) ? member->size : 0,
               time_fits (member->mtime) ? (uint64_t)member->mtime : 0);
}

size_t
tool_tar_stream_padding (uint64_t size)
{
    return (BLOCK - size % BLOCK) % BLOCK;
}

void
tool_tar_stream_put_end (GByteArray *out)
{
    put_zeros (out, TOOL_TAR_STREAM_END);
}
