/* Suffixes by magic bytes: from the files' own specifications, not from the table. */
#include <arec/names.h>

#include <stdbool.h>
#include <string.h>

#include <glib.h>

#include <arec/error.h>

#define SAMPLE(bytes, suffix)                                                                  \
    {                                                                                          \
        bytes, sizeof (bytes) - 1, suffix                                                      \
    }

typedef struct {
    const char *bytes;
    size_t size;
    const char *suffix;
} Sample;

static const Sample samples[] = {
    SAMPLE ("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", ".png"),
    SAMPLE ("\xff\xd8\xff\xe0\0\x10JFIF", ".jpg"),
    SAMPLE ("\xff\xd8\xff\xe1\0\x10"
            "Exif",
            ".jpg"),
    SAMPLE ("GIF87a\1\0\1\0", ".gif"),
    SAMPLE ("GIF89a\1\0\1\0", ".gif"),
    SAMPLE ("RIFF\x24\0\0\0WEBPVP8 ", ".webp"),
    SAMPLE ("RIFF\x24\0\0\0WAVEfmt ", ".wav"),
    SAMPLE ("RIFF\x24\0\0\0AVI LIST", ".avi"),
    SAMPLE ("\0\0\0\x1c"
            "ftypavif\0\0\0\0",
            ".avif"),
    SAMPLE ("\0\0\0\x1c"
            "ftypheic\0\0\0\0",
            ".heic"),
    SAMPLE ("\0\0\0\x1c"
            "ftypM4A \0\0\0\0",
            ".m4a"),
    SAMPLE ("\0\0\0\x14"
            "ftypqt  \0\0\0\0",
            ".mov"),
    SAMPLE ("\0\0\0\x18"
            "ftypisom\0\0\2\0",
            ".mp4"),
    SAMPLE ("\0\0\0\x18"
            "ftypmp42\0\0\2\0",
            ".mp4"),
    SAMPLE ("\x1a\x45\xdf\xa3\x9f\x42\x86\x81", ".mkv"),
    SAMPLE ("II*\0\x08\0\0\0", ".tif"),
    SAMPLE ("MM\0*\0\0\0\x08", ".tif"),
    SAMPLE ("fLaC\0\0\0\x22", ".flac"),
    SAMPLE ("OggS\0\2\0\0", ".ogg"),
    SAMPLE ("ID3\3\0\0\0\0", ".mp3"),
    SAMPLE ("\xff\xfb\x90\x64", ".mp3"),
    SAMPLE ("\x93NUMPY\1\0v\0", ".npy"),
    SAMPLE ("%PDF-1.7\n", ".pdf"),
    SAMPLE ("PK\3\4\x14\0\0\0", ".zip"),
    SAMPLE ("\x1f\x8b\x08\0\0\0\0\0", ".gz"),
    SAMPLE ("\x28\xb5\x2f\xfd\x24\5", ".zst"),
    SAMPLE ("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0", ".bmp"),
    SAMPLE ("{\"a\": 1}", ".json"),
    SAMPLE ("<?xml version=\"1.0\"?>", ".xml"),
};

static void
test_known (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (samples); i++) {
        g_assert_cmpstr (arec_suffix_of ((const uint8_t *)samples[i].bytes, samples[i].size),
                         ==, samples[i].suffix);
    }
}

/* Cut anywhere, in a buffer of exactly that size: the same suffix or none. Kinds of the MP4
 * family have the general suffix while the brand is cut off. */
static void
test_cut (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (samples); i++) {
        bool is_mp4 = samples[i].size >= 8 && memcmp (samples[i].bytes + 4, "ftyp", 4) == 0;

        for (size_t size = 0; size < samples[i].size; size++) {
            g_autofree uint8_t *copy = g_memdup2 (samples[i].bytes, size);
            const char *suffix = arec_suffix_of (copy, size);

            if (is_mp4 && size >= 8 && size < 12) {
                g_assert_cmpstr (suffix, ==, ".mp4");
            } else if (*suffix != '\0') {
                g_assert_cmpstr (suffix, ==, samples[i].suffix);
            }
        }
    }
}

static void
test_unknown (void)
{
    static const Sample unknown[] = {
        SAMPLE ("", ""),
        SAMPLE ("\0", ""),
        SAMPLE ("plain text\n", ""),
        SAMPLE ("\x89PNX\r\n\x1a\n", ""),
        SAMPLE ("x\x89PNG\r\n\x1a\n", ""),
        SAMPLE ("gif89a", ""),
        SAMPLE ("\x89PNG\r\n\x1a", ""),
        SAMPLE ("\x0a\x0b\x0c\x12\x03"
                "abc",
                ""),
    };

    g_assert_cmpstr (arec_suffix_of (NULL, 0), ==, "");
    for (size_t i = 0; i < G_N_ELEMENTS (unknown); i++) {
        g_assert_cmpstr (arec_suffix_of ((const uint8_t *)unknown[i].bytes, unknown[i].size),
                         ==, "");
    }
}

/* Records that only share some letters with a known kind. */
static void
test_chance (void)
{
    static const char *const texts[] = {
        "The bestWEBPage of all",  /* no RIFF before it */
        "ScherzenAVI und anderes", /* the same */
        "MicrowavWAVE and others", /* the same */
        "BMW is a maker of cars",  /* no bitmap: bytes 6 to 9 are reserved and zero */
    };

    for (size_t i = 0; i < G_N_ELEMENTS (texts); i++) {
        const char *suffix = arec_suffix_of ((const uint8_t *)texts[i], strlen (texts[i]));

        if (*suffix != '\0') {
            g_test_message ("\"%s\" gets %s", texts[i], suffix);
            g_test_fail();
        }
    }
}

/* What users write for it; NULL: refused. */
static void
test_parse (void)
{
    static const struct {
        const char *text, *suffix;
    } cases[] = {
        {".png", ".png"},
        {"png", ".png"},
        {"auto", "auto"},
        {"", ""},
        {"-v", "-v"},
        {"_1", "_1"},
        {"autos", ".autos"},
        {"1.png", NULL},
        {"a/b", NULL},
        {"/", NULL},
        {".234567890123456789012345678901x", ".234567890123456789012345678901x"},
        {".234567890123456789012345678901xy", NULL},
        {"b234567890123456789012345678901", ".b234567890123456789012345678901"},
        {"b234567890123456789012345678901x", NULL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS (cases); i++) {
        char suffix[AREC_MAX_SUFFIX + 1] = "before";
        g_autoptr (GError) error = NULL;
        bool done = arec_suffix_parse (cases[i].text, suffix, &error);

        g_assert_cmpint (done, ==, cases[i].suffix != NULL);
        g_assert_cmpstr (suffix, ==, done ? cases[i].suffix : "before");
        g_assert_true (done || g_error_matches (error, AREC_ERROR, AREC_ERROR_INVALID));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/suffix/known", test_known);
    g_test_add_func ("/suffix/cut", test_cut);
    g_test_add_func ("/suffix/unknown", test_unknown);
    g_test_add_func ("/suffix/chance", test_chance);
    g_test_add_func ("/suffix/parse", test_parse);
    return g_test_run();
}
