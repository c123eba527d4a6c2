/* The table of profiles: each is found on its sides alone, and the parsers take all of it. What
 * it says is compared with the guide in tests/cli/test_profiles.py and
 * tests/mount/test_profiles.py. */
#include <arec/profiles.h>

#include <string.h>

#include <arec/reader_options.h>
#include <arec/writer_options.h>

static void
test_all_parse (void)
{
    const ArecProfile *profile;

    for (size_t i = 0; (profile = arec_profile_at (i)); i++) {
        g_autoptr (GError) error = NULL;
        ArecReaderOptions reader = {0};
        ArecWriterOptions writer;

        g_test_message ("%s", profile->name);
        g_assert_true (profile->reader || profile->writer);
        if (profile->reader) {
            arec_reader_options_update (profile->reader, &reader, &error);
        }
        g_assert_no_error (error);
        arec_writer_options_init (&writer);
        if (profile->writer) {
            arec_writer_options_update (profile->writer, &writer, &error);
        }
        g_assert_no_error (error);
        for (size_t k = 0; k < i; k++) {
            g_assert_cmpstr (arec_profile_at (k)->name, !=, profile->name);
        }
    }
}

static void
test_found_on_its_side (void)
{
    const ArecProfile *profile;

    for (size_t i = 0; (profile = arec_profile_at (i)); i++) {
        g_assert_true (arec_profile_find (profile->name, AREC_PROFILE_READER) ==
                       (profile->reader ? profile : NULL));
        g_assert_true (arec_profile_find (profile->name, AREC_PROFILE_WRITER) ==
                       (profile->writer ? profile : NULL));
    }
    g_assert_null (arec_profile_find ("", AREC_PROFILE_READER));
    g_assert_null (arec_profile_find ("rand", AREC_PROFILE_WRITER));
    g_assert_null (arec_profile_at (SIZE_MAX));
}

static void
test_names (void)
{
    g_autofree char *readers = arec_profile_names (AREC_PROFILE_READER);
    g_autofree char *writers = arec_profile_names (AREC_PROFILE_WRITER);

    g_assert_cmpstr (readers, ==,
                     "sequential, random, batch, mixed, low-memory, constrained, high-memory, "
                     "cloud, linux");
    g_assert_cmpstr (writers, ==,
                     "random, low-memory, constrained, high-memory, cloud, balanced, archive, "
                     "throughput, low-latency");
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/profiles/all-parse", test_all_parse);
    g_test_add_func ("/profiles/found-on-its-side", test_found_on_its_side);
    g_test_add_func ("/profiles/names", test_names);
    return g_test_run();
}
