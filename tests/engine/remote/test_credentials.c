/* When credentials are fetched, renewed and given up, by a clock of the test's own. */
#include "remote/credentials.h"

#include <string.h>

#include <arec/error.h>

typedef struct {
    atomic_int_fast64_t now;
    atomic_int n_fetches;
    int64_t seconds;     /* that what is fetched lasts; 0: for ever */
    bool is_anonymous;   /* nothing is given out, and that is right */
    int fails;           /* how: a code; -1: not */
    atomic_bool is_held; /* fetches do not end yet */
    atomic_int n_held;   /* that wait for that */
    ArecCredentials *tested;
} Giver;

static bool
fetch (void *data, const ArecPatience *patience, ArecCredential **out, GError **error)
{
    Giver *giver = data;
    const int number = giver->n_fetches++;
    g_autofree char *key = g_strdup_printf ("key%d", number);

    giver->n_held++;
    while (giver->is_held && !arec_patience_is_cancelled (patience)) {
        g_usleep (1000);
    }
    giver->n_held--;
    if (arec_patience_is_cancelled (patience)) {
        return arec_fail (error, AREC_ERROR_CANCELLED, "cancelled");
    }
    if (giver->fails >= 0) {
        return arec_fail (error, (ArecError)giver->fails, "failure %d", number);
    }
    *out = giver->is_anonymous
               ? NULL
               : arec_credential_new (&(ArecCredentialParts){
                     .keys = {key, "SECRETxyz", NULL},
                     .ends = giver->seconds != 0 ? giver->now + giver->seconds : 0});
    return true;
}

static int64_t
now (void *data)
{
    return ((Giver *)data)->now;
}

static void
set_up (Giver *giver, const void *data)
{
    static const ArecCredentialsOrigin origin = {.fetch = fetch, .now = now};

    (void)data;
    *giver = (Giver){.now = 1000000, .fails = -1};
    giver->tested = arec_credentials_new (&origin, giver);
}

static void
tear_down (Giver *giver, const void *data)
{
    (void)data;
    arec_credentials_free (giver->tested);
}

static ArecCredential *
get (Giver *giver)
{
    ArecCredential *credential = NULL;
    GError *error = NULL;

    arec_credentials_get (giver->tested, NULL, &credential, &error);
    g_assert_no_error (error);
    return credential;
}

/* Gets one and compares its key with that of the fetch @number. */
static void
check (Giver *giver, int number)
{
    g_autoptr (ArecCredential) credential = get (giver);
    g_autofree char *key = g_strdup_printf ("key%d", number);

    g_assert_cmpstr (credential->parts.keys.access_key, ==, key);
    g_assert_cmpint (giver->n_fetches, ==, number + 1);
}

static void
check_failure (Giver *giver, int code, const char *message)
{
    ArecCredential *credential = NULL;
    g_autoptr (GError) error = NULL;

    g_assert_false (arec_credentials_get (giver->tested, NULL, &credential, &error));
    g_assert_error (error, AREC_ERROR, code);
    g_assert_cmpstr (error->message, ==, message);
    g_assert_null (credential);
}

static void
test_fetched_once (Giver *giver, const void *data)
{
    (void)data;
    g_assert_cmpint (giver->n_fetches, ==, 0);
    check (giver, 0);
    giver->now += 1000000;
    check (giver, 0);
    g_assert_cmpuint (arec_credentials_n_renewed (giver->tested), ==, 0);
}

static void
test_anonymous (Giver *giver, const void *data)
{
    (void)data;
    giver->is_anonymous = true;
    g_assert_null (get (giver));
    g_assert_null (get (giver));
    g_assert_false (arec_credentials_refuse (giver->tested, NULL));
    g_assert_cmpint (giver->n_fetches, ==, 1);
}

static void
test_renewed_before_its_end (Giver *giver, const void *data)
{
    (void)data;
    giver->seconds = 3600;
    check (giver, 0);
    giver->now += 3600 - AREC_CREDENTIALS_LEAD - 1;
    check (giver, 0);
    giver->now++;
    check (giver, 1);
    check (giver, 1);
    g_assert_cmpuint (arec_credentials_n_renewed (giver->tested), ==, 1);
}

/* One that lasts less than the lead is used for half of its time. */
static void
test_short_ones (Giver *giver, const void *data)
{
    (void)data;
    giver->seconds = 100;
    check (giver, 0);
    giver->now += 49;
    check (giver, 0);
    giver->now++;
    check (giver, 1);
}

/* A clock that is wrong: it is used, and not fetched all the time. */
static void
test_ended_when_fetched (Giver *giver, const void *data)
{
    (void)data;
    giver->seconds = -1;
    check (giver, 0);
    giver->now += AREC_CREDENTIALS_PAUSE - 1;
    check (giver, 0);
    giver->now++;
    check (giver, 1);
}

static void
test_old_one_is_used_meanwhile (Giver *giver, const void *data)
{
    (void)data;
    giver->seconds = 3600;
    check (giver, 0);
    giver->now += 3600 - AREC_CREDENTIALS_LEAD;
    giver->fails = AREC_ERROR_NOT_FOUND;
    for (int i = 0; i < 3; i++) {
        g_autoptr (ArecCredential) credential = get (giver);

        g_assert_cmpstr (credential->parts.keys.access_key, ==, "key0");
        g_assert_cmpint (giver->n_fetches, ==, 2); /* one attempt for a pause */
    }
    giver->now += AREC_CREDENTIALS_PAUSE;
    giver->fails = -1;
    check (giver, 2);
}

static void
test_failures_stay_for_a_while (Giver *giver, const void *data)
{
    (void)data;
    giver->fails = AREC_ERROR_NOT_FOUND;
    check_failure (giver, AREC_ERROR_NOT_FOUND, "failure 0");
    check_failure (giver, AREC_ERROR_NOT_FOUND, "failure 0");
    giver->now += AREC_CREDENTIALS_PAUSE;
    check_failure (giver, AREC_ERROR_NOT_FOUND, "failure 1");
    giver->now += AREC_CREDENTIALS_PAUSE;
    giver->fails = -1;
    check (giver, 2);
}

static void
test_old_one_ends (Giver *giver, const void *data)
{
    (void)data;
    giver->seconds = 3600;
    check (giver, 0);
    giver->now += 3600;
    giver->fails = AREC_ERROR_NOT_FOUND;
    check_failure (giver, AREC_ERROR_NOT_FOUND, "failure 1");
}

static void
test_refused (Giver *giver, const void *data)
{
    g_autoptr (ArecCredential) first = get (giver), second = NULL;

    (void)data;
    /* Just after it was fetched a refusal is no reason to fetch it again. */
    g_assert_false (arec_credentials_refuse (giver->tested, first));
    check (giver, 0);
    giver->now += AREC_CREDENTIALS_PAUSE;
    g_assert_true (arec_credentials_refuse (giver->tested, first));
    check (giver, 1);
    /* It was renewed already. */
    g_assert_true (arec_credentials_refuse (giver->tested, first));
    check (giver, 1);
    second = get (giver);
    g_assert_false (arec_credentials_refuse (giver->tested, second));
    check (giver, 1);
}

static void
test_refused_and_not_renewed (Giver *giver, const void *data)
{
    g_autoptr (ArecCredential) first = get (giver);

    (void)data;
    giver->now += AREC_CREDENTIALS_PAUSE;
    giver->fails = AREC_ERROR_NOT_FOUND;
    g_assert_true (arec_credentials_refuse (giver->tested, first));
    check_failure (giver, AREC_ERROR_NOT_FOUND, "failure 1");
    /* What was given out is good as long as it is held. */
    g_assert_cmpstr (first->parts.keys.secret_key, ==, "SECRETxyz");
}

/* ---- several threads ---- */

static void *
get_in_thread (void *data)
{
    return get (data);
}

static void
wait_for_fetch (Giver *giver)
{
    while (giver->n_held == 0) {
        g_usleep (1000);
    }
}

static void
test_one_thread_fetches (Giver *giver, const void *data)
{
    enum { N = 8 };
    GThread *threads[N];

    (void)data;
    giver->is_held = true;
    for (int i = 0; i < N; i++) {
        threads[i] = g_thread_new ("get", get_in_thread, giver);
    }
    wait_for_fetch (giver);
    giver->is_held = false;
    for (int i = 0; i < N; i++) {
        g_autoptr (ArecCredential) credential = g_thread_join (threads[i]);

        g_assert_cmpstr (credential->parts.keys.access_key, ==, "key0");
    }
    g_assert_cmpint (giver->n_fetches, ==, 1);
}

static void
test_others_get_the_old_one (Giver *giver, const void *data)
{
    GThread *thread;
    ArecCredential *credential;

    (void)data;
    giver->seconds = 3600;
    check (giver, 0);
    giver->now += 3600 - 1;
    giver->is_held = true;
    thread = g_thread_new ("get", get_in_thread, giver);
    wait_for_fetch (giver);
    credential = get (giver); /* does not wait */
    g_assert_cmpstr (credential->parts.keys.access_key, ==, "key0");
    arec_credential_unref (credential);
    giver->is_held = false;
    arec_credential_unref (g_thread_join (thread));
    check (giver, 1);
}

typedef struct {
    Giver *giver;
    ArecCancel cancel;
} Cancelled;

static void *
get_cancelled (void *data)
{
    Cancelled *cancelled = data;
    ArecCredential *credential = NULL;
    GError *error = NULL;

    g_assert_false (arec_credentials_get (cancelled->giver->tested, &cancelled->cancel,
                                          &credential, &error));
    return error;
}

/* One who stops waiting leaves the others, and the fetch of one who stops is another's. */
static void
test_cancelled (Giver *giver, const void *data)
{
    Cancelled one = {.giver = giver}, other = {.giver = giver};
    GThread *fetching, *waiting, *staying;
    g_autoptr (GError) first = NULL, second = NULL;
    g_autoptr (ArecCredential) credential = NULL;

    (void)data;
    giver->is_held = true;
    fetching = g_thread_new ("fetching", get_cancelled, &one);
    wait_for_fetch (giver);
    waiting = g_thread_new ("waiting", get_cancelled, &other);
    staying = g_thread_new ("staying", get_in_thread, giver);
    arec_cancel_set (&other.cancel);
    second = g_thread_join (waiting);
    g_assert_error (second, AREC_ERROR, AREC_ERROR_CANCELLED);
    arec_cancel_set (&one.cancel);
    first = g_thread_join (fetching);
    g_assert_error (first, AREC_ERROR, AREC_ERROR_CANCELLED);
    giver->is_held = false;
    credential = g_thread_join (staying);
    g_assert_nonnull (credential);
}

static void
test_stopped (Giver *giver, const void *data)
{
    Cancelled one = {.giver = giver};
    GThread *thread;
    g_autoptr (GError) error = NULL;

    (void)data;
    giver->is_held = true;
    thread = g_thread_new ("get", get_cancelled, &one);
    wait_for_fetch (giver);
    arec_credentials_stop (giver->tested);
    error = g_thread_join (thread);
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
    check_failure (giver, AREC_ERROR_CANCELLED, "cancelled while waiting for credentials");
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test) (Giver *, const void *);
    } tests[] = {
        {"fetched-once", test_fetched_once},
        {"anonymous", test_anonymous},
        {"renewed-before-its-end", test_renewed_before_its_end},
        {"short-ones", test_short_ones},
        {"ended-when-fetched", test_ended_when_fetched},
        {"old-one-is-used-meanwhile", test_old_one_is_used_meanwhile},
        {"failures-stay-for-a-while", test_failures_stay_for_a_while},
        {"old-one-ends", test_old_one_ends},
        {"refused", test_refused},
        {"refused-and-not-renewed", test_refused_and_not_renewed},
        {"one-thread-fetches", test_one_thread_fetches},
        {"others-get-the-old-one", test_others_get_the_old_one},
        {"cancelled", test_cancelled},
        {"stopped", test_stopped},
    };

    g_test_init (&argc, &argv, NULL);
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_autofree char *path = g_strconcat ("/remote/credentials/", tests[i].path, NULL);

        g_test_add_vtable (path, sizeof (Giver), NULL, (GTestFixtureFunc)set_up,
                           (GTestFixtureFunc)tests[i].test, (GTestFixtureFunc)tear_down);
    }
    return g_test_run();
}
