#include <arec/names.h>

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include "base/error.h"

typedef struct {
    size_t offset;
    const char *magic; /* `?` stands for any byte */
    size_t length;
    const char *suffix;
} Magic;

#define MAGIC(offset, text, suffix)                                                            \
    {                                                                                          \
        offset, text, sizeof (text) - 1, suffix                                                \
    }

static const Magic magics[] = {
    MAGIC (0, "\x89PNG\r\n\x1a\n", ".png"),
    MAGIC (0, "\xff\xd8\xff", ".jpg"),
    MAGIC (0, "GIF87a", ".gif"),
    MAGIC (0, "GIF89a", ".gif"),
    MAGIC (0, "RIFF????WEBP", ".webp"),
    MAGIC (0, "RIFF????WAVE", ".wav"),
    MAGIC (0, "RIFF????AVI ", ".avi"),
    MAGIC (4, "ftypavif", ".avif"),
    MAGIC (4, "ftypheic", ".heic"),
    MAGIC (4, "ftypM4A ", ".m4a"),
    MAGIC (4, "ftypqt  ", ".mov"),
    MAGIC (4, "ftyp", ".mp4"),
    MAGIC (0, "\x1a\x45\xdf\xa3", ".mkv"),
    MAGIC (0, "II*\0", ".tif"),
    MAGIC (0, "MM\0*", ".tif"),
    MAGIC (0, "fLaC", ".flac"),
    MAGIC (0, "OggS", ".ogg"),
    MAGIC (0, "ID3", ".mp3"),
    MAGIC (0, "\xff\xfb", ".mp3"),
    MAGIC (0, "\x93NUMPY", ".npy"),
    MAGIC (0, "%PDF-", ".pdf"),
    MAGIC (0, "PK\3\4", ".zip"),
    MAGIC (0, "\x1f\x8b", ".gz"),
    MAGIC (0, "\x28\xb5\x2f\xfd", ".zst"),
    MAGIC (0, "BM????\0\0\0\0", ".bmp"),
    MAGIC (0, "{\"", ".json"),
    MAGIC (0, "<?xml", ".xml"),
};

static bool
matches (const Magic *magic, const uint8_t *data, size_t size)
{
    if (size < magic->offset + magic->length) {
        return false;
    }
    for (size_t i = 0; i < magic->length; i++) {
        if (magic->magic[i] != '?' && data[magic->offset + i] != (uint8_t)magic->magic[i]) {
            return false;
        }
    }
    return true;
}

const char *
arec_suffix_of (const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS (magics); i++) {
        if (matches (&magics[i], data, size)) {
            return magics[i].suffix;
        }
    }
    return "";
}

bool
arec_suffix_parse (const char *text, char suffix[AREC_MAX_SUFFIX + 1], GError **error)
{
    /* A suffix that is a word is the name of a format. */
    const bool is_word = g_ascii_isalpha (text[0]) && strcmp (text, "auto") != 0;

    if (strlen (text) + (g_ascii_isalpha (text[0]) ? 1 : 0) > AREC_MAX_SUFFIX ||
        strchr (text, '/')) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' is not a part of a file name of at most %d bytes", text,
                          AREC_MAX_SUFFIX);
    }
    if (g_ascii_isdigit (text[0])) {
        return arec_fail (error, AREC_ERROR_INVALID,
                          "'%s' begins with a digit, which would change the numbers", text);
    }
    g_snprintf (suffix, AREC_MAX_SUFFIX + 1, "%s%s", is_word ? "." : "", text);
    return true;
}
