/* Options about servers: values, refusals, and that a refusal changes nothing. */
#include <arec/arec.h>

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
    {"endpoint-url", "http://h:9000/x", {.endpoint_url = "http://h:9000/x"}},
    {"endpoint-url", "https://h/", {.endpoint_url = "https://h/"}},
    {"region", "eu-north-1", {.region = "eu-north-1"}},
    {"addressing", "virtual", {.addressing = AREC_ADDRESSING_VIRTUAL}},
    {"addressing", "path", {.addressing = AREC_ADDRESSING_PATH}},
    {"addressing", "auto", {0}},
    {"aws-profile", "some one", {.aws_profile = "some one"}},
    {"anonymous", NULL, {.anonymous = true}},
    {"requester-pays", NULL, {.requester_pays = true}},
    {"billing-project", "p-1", {.billing_project = "p-1"}},
    {"cache-dir", "/var//tmp/x/", {.cache_dir = "/var/tmp/x"}},
    {"cache-dir", "auto", {0}},
    {"cache-dir-size", "1M", {.cache_dir_size = 1 << 20}},
    {"cache-dir-size", "10G", {.cache_dir_size = UINT64_C (10) << 30}},
    {"cache-dir-size", "auto", {0}},
};

static void
assert_equal (const ArecRemoteOptions *a, const ArecRemoteOptions *b)
{
    g_assert_cmpuint (a->request_deadline, ==, b->request_deadline);
    g_assert_cmpuint (a->max_requests, ==, b->max_requests);
    g_assert_cmpint (a->has_prefetch, ==, b->has_prefetch);
    g_assert_cmpuint (a->has_prefetch ? a->prefetch : 0, ==, b->has_prefetch ? b->prefetch : 0);
    g_assert_cmpstr (a->endpoint_url, ==, b->endpoint_url);
    g_assert_cmpstr (a->region, ==, b->region);
    g_assert_cmpint (a->addressing, ==, b->addressing);
    g_assert_cmpstr (a->aws_profile, ==, b->aws_profile);
    g_assert_cmpint (a->anonymous, ==, b->anonymous);
    g_assert_cmpint (a->requester_pays, ==, b->requester_pays);
    g_assert_cmpstr (a->billing_project, ==, b->billing_project);
    g_assert_cmpstr (a->cache_dir, ==, b->cache_dir);
    g_assert_cmpuint (a->cache_dir_size, ==, b->cache_dir_size);
}

static void
test_good (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        ArecRemoteOptions options = {0};
        g_autoptr (GError) error = NULL;

        g_test_message ("%s=%s", good[i].name, good[i].value);
        arec_remote_option_set (arec_remote_option_find (good[i].name), good[i].value, &options,
                                &error);
        g_assert_no_error (error);
        assert_equal (&options, &good[i].options);
    }
}

static const struct {
    const char *name, *value;
} bad[] = {
    {"request-deadline", ""},
    {"request-deadline", "0"},
    {"request-deadline", "-1"},
    {"request-deadline", "86401"},
    {"request-deadline", "1s"},
    {"request-deadline", "nan"},
    {"request-deadline", "inf"},
    {"request-deadline", "0.0001"},
    {"max-requests", ""},
    {"max-requests", "0"},
    {"max-requests", "1025"},
    {"max-requests", "-1"},
    {"max-requests", "8x"},
    {"prefetch", ""},
    {"prefetch", "-1"},
    {"prefetch", "1Q"},
    {"endpoint-url", ""},
    {"endpoint-url", "h:9000"},
    {"endpoint-url", "s3://b"},
    {"endpoint-url", "https://h/x?y"},
    {"region", ""},
    {"region", "us_east"},
    {"region", "h/"},
    {"region", "-a"},
    {"addressing", ""},
    {"addressing", "host"},
    {"aws-profile", ""},
    {"billing-project", ""},
    {"billing-project", "a b"},
    {"billing-project", "a\r\nx: y"},
    {"cache-dir", ""},
    {"cache-dir-size", ""},
    {"cache-dir-size", "0"},
    {"cache-dir-size", "1048575"},
};

static void
test_bad (void)
{
    for (size_t i = 0; i < G_N_ELEMENTS (bad); i++) {
        const ArecRemoteOptions before = {
            7000000, 7, true, 7, .region = "x", .cache_dir = "/x", .cache_dir_size = 7};
        ArecRemoteOptions options = before;
        g_autoptr (GError) error = NULL;

        g_test_message ("%s=%s", bad[i].name, bad[i].value);
        g_assert_false (arec_remote_option_set (arec_remote_option_find (bad[i].name),
                                                bad[i].value, &options, &error));
        g_assert_error (error, AREC_ERROR, AREC_ERROR_INVALID);
        assert_equal (&options, &before);
    }
}

/* `auto` takes back what was set before. */
static void
test_auto (void)
{
    const ArecRemoteOptions none = {0};

    for (size_t i = 0; i < G_N_ELEMENTS (good); i++) {
        size_t option = arec_remote_option_find (good[i].name);
        ArecRemoteOptions options = {0};

        g_assert_true (arec_remote_option_set (option, good[i].value, &options, NULL));
        g_assert_true (arec_remote_option_set (option, "auto", &options, NULL));
        assert_equal (&options, &none);
    }
}

/* Each option is found by its name. */
static void
test_find (void)
{
    for (size_t i = 0; i < AREC_N_REMOTE_OPTIONS; i++) {
        g_assert_cmpuint (arec_remote_option_find (arec_remote_option (i)->name), ==, i);
    }
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/remote_options/good", test_good);
    g_test_add_func ("/remote_options/bad", test_bad);
    g_test_add_func ("/remote_options/auto", test_auto);
    g_test_add_func ("/remote_options/find", test_find);
    return g_test_run();
}
