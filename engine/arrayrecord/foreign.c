#include "arrayrecord/foreign.h"

#include <string.h>

typedef struct {
    const char *bytes;
    size_t n;
    size_t offset;
    const char *name;
} Magic;

#define MAGIC(text, offset, name)                                                              \
    {                                                                                          \
        text, sizeof (text) - 1, offset, name                                                  \
    }

static const Magic magics[] = {
    MAGIC ("version https://git-lfs.github.com/spec/", 0,
           "a Git LFS pointer (the file that it stands for is not downloaded)"),
    MAGIC ("\x1f\x8b", 0, "a gzip file"),
    MAGIC ("PK\x03\x04", 0, "a zip file"),
    MAGIC ("PK\x05\x06", 0, "an empty zip file"),
    MAGIC ("\x28\xb5\x2f\xfd", 0, "a zstd file"),
    MAGIC ("\xfd\x37zXZ", 0, "an xz file"),
    MAGIC ("BZh", 0, "a bzip2 file"),
    MAGIC ("7z\xbc\xaf\x27\x1c", 0, "a 7z file"),
    MAGIC ("\x04\x22\x4d\x18", 0, "an lz4 file"),
    MAGIC ("ustar", 257, "a tar file"),
    MAGIC ("PAR1", 0, "a Parquet file"),
    MAGIC ("ARROW1", 0, "an Arrow file"),
    MAGIC ("\x89HDF", 0, "an HDF5 file"),
};

static const Magic markups[] = {
    MAGIC ("<!doctype html", 0, "an HTML page"),
    MAGIC ("<html", 0, "an HTML page"),
    MAGIC ("<?xml", 0, "an XML document"),
    MAGIC ("{\"", 0, "a JSON text"),
};

static const char *
name_by_magic (const uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < G_N_ELEMENTS (magics); i++) {
        const Magic *magic = &magics[i];

        if (n >= magic->offset + magic->n &&
            memcmp (bytes + magic->offset, magic->bytes, magic->n) == 0) {
            return magic->name;
        }
    }
    return NULL;
}

/* Texts may begin with a byte order mark and white space, and HTML is written in any case. */
static const char *
name_of_markup (const uint8_t *bytes, size_t n)
{
    size_t at = n >= 3 && memcmp (bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < n && g_ascii_isspace (bytes[at])) {
        at++;
    }
    for (size_t i = 0; i < G_N_ELEMENTS (markups); i++) {
        const Magic *markup = &markups[i];

        if (n - at >= markup->n &&
            g_ascii_strncasecmp ((const char *)bytes + at, markup->bytes, markup->n) == 0) {
            return markup->name;
        }
    }
    return NULL;
}

static bool
is_zero (const uint8_t *bytes, size_t n)
{
    return n == 0 || (bytes[0] == 0 && memcmp (bytes, bytes + 1, n - 1) == 0);
}

/* The checksum of a TFRecord's length, as TFRecord masks it. */
static uint32_t
masked_crc32c (const uint8_t *bytes, size_t n)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++) {
            crc = (crc >> 1) ^ (crc & 1 ? UINT32_C (0x82f63b78) : 0);
        }
    }
    crc = ~crc;
    return ((crc >> 15) | (crc << 17)) + UINT32_C (0xa282ead8);
}

static bool
is_tfrecord (const uint8_t *bytes, size_t n)
{
    uint32_t stored;

    if (n < 12 || is_zero (bytes, 12)) {
        return false;
    }
    memcpy (&stored, bytes + 8, sizeof stored);
    return GUINT32_FROM_LE (stored) == masked_crc32c (bytes, 8);
}

const char *
arec_foreign_name (const uint8_t *front, const uint8_t *back, size_t n, uint64_t size)
{
    const char *name;

    if (size == 0) {
        return "an empty file";
    }
    if (is_zero (front, n) && is_zero (back, n)) {
        return n == size ? "a file of zeros" : "a file of zeros, at least at both ends";
    }
    name = name_by_magic (front, n);
    if (!name) {
        name = name_of_markup (front, n);
    }
    return name || !is_tfrecord (front, n) ? name : "a TFRecord file";
}

bool
arec_foreign_find (ArecSource *source, const char **name, GError **error)
{
    g_autofree uint8_t *bytes = g_malloc (2 * AREC_FOREIGN_SAMPLE);
    size_t n = MIN (source->size, AREC_FOREIGN_SAMPLE);

    if (!arec_source_pread (source, bytes, n, 0, error) ||
        !arec_source_pread (source, bytes + n, n, source->size - n, error)) {
        return false;
    }
    *name = arec_foreign_name (bytes, bytes + n, n, source->size);
    return true;
}
