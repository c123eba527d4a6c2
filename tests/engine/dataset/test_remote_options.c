/* Options about servers: values, refusals, and that a refusal changes nothing. */
#include <arec/arec.h>

#include <string.h>

static size_t
find (const char *name)
{
    for (size_t i = 0; i < AREC_N_REMOTE_OPTIONS; i++) {
        if (strcmp (arec_remote_option (i)->name, name) == 0) {
            return i;
        }
    }
    g_assert_not_reached();
}

static const struct {
    const char *name, *value;
    ArecRemoteOptions options;
} good[] = {
    {"request-deadline", "60", {.request_deadline = 60000000}},
    {"request-deadline", "0.5", {.request_deadline = 500000}},
    {"request-deadline", "0.001", {.request_deadline = 1000}},
    {"request-deadline", "86400", {.request_deadline = UINT64_C (86400000000)}},
    {"request-deadline", "auto", {0}},
    {"max-requests", "1", {.max_requests = 1}},
    {"max-requests", "1024", {.max_requests = 1024}},
    {"max-requests", "auto", {0}},
    {"prefetch", "0", {.has_prefetch = true}},
    {"prefetch", "8M", {.has_prefetch = true, .prefetch = 8 << 20}},
    {"prefetch", "auto", {0}},
    {"cache-dir", "/var//tmp/x/", {.cache_dir = "/var/tmp/x"}},
    {"cache-dir", "auto", {0}},
    {"cache-dir-size", "1M", {.cache_dir_size = 1 << 20}},
    {"cache-dir-size", "10G", {.cache_dir_size = UINT64_C (10) << 30}},
    {"cache-dir-size", "auto", {0}},
};

static void
test_good (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        ArecRemoteOptions options = {0};
        g_autoptr (GError) error = NULL;

        g_test_message ("%s=%s", good[i].name, good[i].value);
        arec_remote_option_set (find (good[i].name), good[i].value, &options, &error);
        g_assert_no_error (error);
        g_assert_cmpuint (options.request_deadline, ==, good[i].options.request_deadline);
        g_assert_cmpuint (options.max_requests, ==, good[i].options.max_requests);
        g_assert_cmpint (options.has_prefetch, ==, good[i].options.has_prefetch);
        g_assert_cmpuint (options.prefetch, ==, good[i].options.prefetch);
        g_assert_cmpstr (options.cache_dir, ==, good[i].options.cache_dir);
        g_assert_cmpuint (options.cache_dir_size, ==, good[i].options.cache_dir_size);
    }
}

static const struct {
    const char *name, *value;
} bad[] = {
    {"request-deadline", ""},    {"request-deadline", "0"},
    {"request-deadline", "-1"},  {"request-deadline", "86401"},
    {"request-deadline", "1s"},  {"request-deadline", "nan"},
    {"request-deadline", "inf"}, {"request-deadline", "0.0001"},
    {"max-requests", ""},        {"max-requests", "0"},
    {"max-requests", "1025"},    {"max-requests", "-1"},
    {"max-requests", "8x"},      {"prefetch", ""},
    {"prefetch", "-1"},          {"prefetch", "1Q"},
    {"cache-dir", ""},           {"cache-dir-size", ""},
    {"cache-dir-size", "0"},     {"cache-dir-size", "1048575"},
};

static void
test_bad (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        ArecRemoteOptions options = {.request_deadline = 7000000,
                                     .max_requests = 7,
                                     .has_prefetch = true,
                                     .prefetch = 7,
                                     .cache_dir = "/x",
                                     .cache_dir_size = 7};
        g_autoptr (GError) error = NULL;

        g_test_message ("%s=%s", bad[i].name, bad[i].value);
        g_assert_false (
            arec_remote_option_set (find (bad[i].name), bad[i].value, &options, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        g_assert_true (options.request_deadline == 7000000 && options.max_requests == 7 &&
                       options.has_prefetch && options.prefetch == 7 &&
                       strcmp (options.cache_dir, "/x") == 0 && options.cache_dir_size == 7);
    }
}

static bool
is_any_set (const ArecRemoteOptions *options)
{
    return options->request_deadline || options->max_requests || options->has_prefetch ||
           options->cache_dir || options->cache_dir_size;
}

/* `auto` takes back what was set before. */
static void
test_auto (void)
{
    for (size_t i = 0; i < AREC_N_REMOTE_OPTIONS; i++) {
        const bool is_size = strcmp (arec_remote_option (i)->name, "cache-dir-size") == 0;
        ArecRemoteOptions options = {0};

        g_assert_true (arec_remote_option_set (i, is_size ? "7M" : "7", &options, NULL));
        g_assert_true (is_any_set (&options));
        g_assert_true (arec_remote_option_set (i, "auto", &options, NULL));
        g_assert_false (is_any_set (&options));
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote_options/good", test_good);
    g_test_add_func ("/remote_options/bad", test_bad);
    g_test_add_func ("/remote_options/auto", test_auto);
    return g_test_run();
}
