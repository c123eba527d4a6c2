#include "suffix.h"

#include <string.h>

#include <glib.h>

typedef struct {
    size_t offset;
    const char *magic;
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
    MAGIC (8, "WEBP", ".webp"),
    MAGIC (8, "WAVE", ".wav"),
    MAGIC (8, "AVI ", ".avi"),
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
    MAGIC (0, "BM", ".bmp"),
    MAGIC (0, "{\"", ".json"),
    MAGIC (0, "<?xml", ".xml"),
};

const char *
arecfs_suffix_of (const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < G_N_ELEMENTS (magics); i++) {
        const Magic *magic = &magics[i];

        if (size >= magic->offset + magic->length &&
            memcmp (data + magic->offset, magic->magic, magic->length) == 0) {
            return magic->suffix;
        }
    }
    return "";
}
