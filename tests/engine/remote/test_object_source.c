/* The client and the source over a server in a thread of this program. */
#include "remote/object_source.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arec/error.h>

#include "remote/hedge.h"

#define SIZE 1000000
#define S INT64_C (1000000)

/* ---- a server ---------------------------------------------------------------------------- */

typedef struct {
    int listener;
    unsigned port;
    pthread_t thread;
    uint8_t data[SIZE];
    atomic_int n_requests;
    atomic_bool is_silent; /* requests are read and not answered */
    atomic_uint held;      /* microseconds before each answer */
    atomic_int token;      /* that requests must have, else ExpiredToken; 0: none */
    atomic_int n_refused;
    atomic_int mutes;       /* the connection of the request of that number falls silent */
    GPtrArray *connections; /* of threads */
    pthread_mutex_t lock;
    GArray *sockets;
} Server;

typedef struct {
    Server *server;
    int fd;
} Connection;

static bool
send_all (int fd, const void *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send (fd, bytes, n, MSG_NOSIGNAL);

        if (sent <= 0) {
            return false;
        }
        bytes = (const char *)bytes + sent;
        n -= (size_t)sent;
    }
    return true;
}

/* A head up to its empty line; the requests have no bodies. */
static bool
read_head (int fd, char head[4096])
{
    size_t n = 0;

    while (n < 4095) {
        if (recv (fd, head + n, 1, 0) != 1) {
            return false;
        }
        head[++n] = '\0';
        if (g_str_has_suffix (head, "\r\n\r\n")) {
            return true;
        }
    }
    return false;
}

static bool
refuse (Server *server, int fd)
{
    static const char body[] =
        "<Error><Code>ExpiredToken</Code><Message>Over.</Message></Error>";
    g_autofree char *text = g_strdup_printf ("HTTP/1.1 400 x\r\nContent-Length: %zu\r\n\r\n%s",
                                             strlen (body), body);

    server->n_refused++;
    return send_all (fd, text, strlen (text));
}

static bool
has_token (Server *server, const char *head)
{
    g_autofree char *line = g_strdup_printf ("x-token: %d\r\n", server->token);

    return server->token == 0 || strstr (head, line);
}

static bool
answer (Server *server, int fd, const char *head)
{
    const char *range = strstr (head, "Range: bytes=");
    uint64_t begin, end = SIZE;
    g_autofree char *text = NULL;
    char *rest;

    if (!has_token (server, head)) {
        return refuse (server, fd);
    }
    g_assert_nonnull (range);
    range += strlen ("Range: bytes=");
    if (*range == '-') {
        begin = SIZE - MIN (SIZE, g_ascii_strtoull (range + 1, NULL, 10));
    } else {
        begin = g_ascii_strtoull (range, &rest, 10);
        end = MIN (SIZE, g_ascii_strtoull (rest + 1, NULL, 10) + 1);
    }
    if (begin >= end) {
        static const char none[] = "HTTP/1.1 416 x\r\nContent-Length: 0\r\n"
                                   "Content-Range: bytes */1000000\r\n\r\n";

        return send_all (fd, none, strlen (none));
    }
    text = g_strdup_printf ("HTTP/1.1 206 x\r\nETag: \"v\"\r\nContent-Length: %zu\r\n"
                            "Content-Range: bytes %zu-%zu/%d\r\n\r\n",
                            (size_t)(end - begin), (size_t)begin, (size_t)end - 1, SIZE);
    return send_all (fd, text, strlen (text)) &&
           send_all (fd, server->data + begin, end - begin);
}

static void *
serve (void *data)
{
    Connection *connection = data;
    Server *server = connection->server;
    char head[4096];

    bool is_mute = false;

    while (read_head (connection->fd, head)) {
        is_mute = ++server->n_requests == server->mutes || is_mute;
        g_usleep (server->held);
        if (!server->is_silent && !is_mute && !answer (server, connection->fd, head)) {
            break;
        }
    }
    g_free (connection);
    return NULL;
}

static void *
take_connections (void *data)
{
    Server *server = data;
    int fd;

    while ((fd = accept (server->listener, NULL, NULL)) >= 0) {
        Connection *connection = g_new (Connection, 1);
        pthread_t *thread = g_new (pthread_t, 1);

        *connection = (Connection){server, fd};
        pthread_mutex_lock (&server->lock);
        g_array_append_val (server->sockets, fd);
        pthread_mutex_unlock (&server->lock);
        g_assert_cmpint (pthread_create (thread, NULL, serve, connection), ==, 0);
        g_ptr_array_add (server->connections, thread);
    }
    return NULL;
}

typedef struct {
    Server *server;
    ArecHttpClient *client;
    ArecHttpTarget *target;
} Fixture;

static void
set_up (Fixture *fixture, const void *data)
{
    const ArecHttpOptions options = {.deadline = 20 * S};
    Server *server = g_new0 (Server, 1);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl (INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    g_autofree char *text = NULL;
    g_auto (ArecUrl) url = {0};

    (void)data;
    for (size_t i = 0; i < SIZE; i++) {
        server->data[i] = (uint8_t)(i * 7 + i / 251);
    }
    server->connections = g_ptr_array_new_with_free_func (g_free);
    server->sockets = g_array_new (FALSE, FALSE, sizeof (int));
    pthread_mutex_init (&server->lock, NULL);
    server->listener = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    g_assert_cmpint (bind (server->listener, (struct sockaddr *)&address, length), ==, 0);
    g_assert_cmpint (listen (server->listener, 64), ==, 0);
    getsockname (server->listener, (struct sockaddr *)&address, &length);
    server->port = ntohs (address.sin_port);
    g_assert_cmpint (pthread_create (&server->thread, NULL, take_connections, server), ==, 0);
    fixture->server = server;
    fixture->client = arec_http_client_new (&options);
    text = g_strdup_printf ("http://127.0.0.1:%u/x", server->port);
    g_assert_true (arec_url_parse (text, AREC_URL_LITERAL, &url, NULL));
    fixture->target = arec_http_target_new (&url);
}

static void
tear_down (Fixture *fixture, const void *data)
{
    Server *server = fixture->server;

    (void)data;
    arec_http_client_free (fixture->client);
    arec_http_target_unref (fixture->target);
    shutdown (server->listener, SHUT_RDWR);
    pthread_join (server->thread, NULL);
    for (guint i = 0; i < server->sockets->len; i++) {
        shutdown (g_array_index (server->sockets, int, i), SHUT_RDWR);
    }
    for (guint i = 0; i < server->connections->len; i++) {
        pthread_join (*(pthread_t *)g_ptr_array_index (server->connections, i), NULL);
        close (g_array_index (server->sockets, int, i));
    }
    close (server->listener);
    g_array_unref (server->sockets);
    g_ptr_array_unref (server->connections);
    pthread_mutex_destroy (&server->lock);
    g_free (server);
}

static ArecSource *
open_source (Fixture *fixture)
{
    GError *error = NULL;
    ArecSource *source =
        arec_object_source_new (fixture->client, fixture->target, "x", NULL, &error);

    g_assert_no_error (error);
    return source;
}

static void
assert_reads (Fixture *fixture, ArecSource *source, uint64_t offset, size_t size)
{
    g_autofree uint8_t *bytes = g_malloc (size);
    GError *error = NULL;

    arec_source_pread (source, bytes, size, offset, &error);
    g_assert_no_error (error);
    g_assert_true (memcmp (bytes, fixture->server->data + offset, size) == 0);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void
test_reads (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);

    (void)data;
    g_assert_cmpuint (source->size, ==, SIZE);
    g_assert_cmpint (fixture->server->n_requests, ==, 1);
    assert_reads (fixture, source, SIZE - 100, 100);
    assert_reads (fixture, source, SIZE - 131072, 131072);
    g_assert_cmpint (fixture->server->n_requests, ==, 1);
    assert_reads (fixture, source, 0, 1);
    assert_reads (fixture, source, SIZE - 131073, 131073); /* one byte of it is not kept */
    g_assert_cmpint (fixture->server->n_requests, ==, 3);
    assert_reads (fixture, source, 0, SIZE);
    g_assert_true (arec_source_check (source, NULL));
}

/* Opened by a size that a listing said: by position, and by the end if it has another one. */
static void
test_listed (Fixture *fixture, const void *data)
{
    static const struct {
        uint64_t size;
        int n_requests;
    } rows[] = {{SIZE, 1}, {0, 1},        {SIZE - 1, 2},     {SIZE + 1, 2},
                {1, 2},    {2 * SIZE, 2}, {SIZE - 65536, 2}, {AREC_RANGE_UNKNOWN_SIZE, 1}};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (rows); i++) {
        g_autoptr (ArecSource) source = NULL;
        ArecObjectFacts facts;
        GError *error = NULL;

        fixture->server->n_requests = 0;
        source = arec_object_source_open (fixture->client, fixture->target, "x",
                                          &(ArecObjectHint){.size = rows[i].size}, NULL, &facts,
                                          &error);
        g_assert_no_error (error);
        g_assert_cmpuint (source->size, ==, SIZE);
        assert_reads (fixture, source, SIZE - 131072, 131072);
        g_assert_cmpint (fixture->server->n_requests, ==, rows[i].n_requests);
        assert_reads (fixture, source, 0, 1000);
        g_assert_cmpint (fixture->server->n_requests, ==, rows[i].n_requests + 1);
    }
}

static void
test_vector (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    uint8_t bytes[1000];
    struct iovec iov[] = {{bytes, 1}, {bytes + 1, 0}, {bytes + 1, 499}, {bytes + 500, 500}};
    GError *error = NULL;

    (void)data;
    arec_source_preadv (source, iov, G_N_ELEMENTS (iov), SIZE - 131072 - 700, &error);
    g_assert_no_error (error);
    g_assert_true (memcmp (bytes, fixture->server->data + SIZE - 131072 - 700, sizeof bytes) ==
                   0);
}

typedef struct {
    Fixture *fixture;
    ArecSource *source;
} Reader;

static void *
read_same (void *data)
{
    Reader *reader = data;

    assert_reads (reader->fixture, reader->source, 1000, 50000);
    return NULL;
}

/* Readers that come while a request is under way join it. */
static void
test_joined (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    Reader reader = {fixture, source};
    pthread_t threads[16];

    (void)data;
    fixture->server->held = S / 2;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, read_same, &reader), ==, 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
    /* On a busy machine a thread may begin after the others have ended. */
    g_assert_cmpint (fixture->server->n_requests, <, 1 + G_N_ELEMENTS (threads) / 2);
}

/* It answered fast, so it gets little time at first; then more. */
static void
test_slowed_down (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);

    (void)data;
    fixture->server->held = 2 * S;
    assert_reads (fixture, source, 0, 100);
    g_assert_cmpint (fixture->server->n_requests, >, 2);
}

static void *
read_random (void *data)
{
    Reader *reader = data;
    g_autoptr (GRand) random = g_rand_new_with_seed ((guint32)(uintptr_t)&random);

    for (int i = 0; i < 40; i++) {
        uint64_t offset = (uint64_t)g_rand_int_range (random, 0, SIZE - 1);
        size_t size = (size_t)g_rand_int_range (random, 1, 100000);

        assert_reads (reader->fixture, reader->source, offset, MIN (size, SIZE - offset));
    }
    return NULL;
}

static void
test_many_readers (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    Reader reader = {fixture, source};
    pthread_t threads[16];

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, read_random, &reader), ==, 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
}

/* ---- signed ---- */

/* Signs with a token, of which there are as many as the test says. */
typedef struct {
    ArecHttpSigner signer;
    char *url;
    atomic_int token, n_tokens, n_renewed, n_prepared;
    pthread_mutex_t lock;
} Signer;

static bool
prepare (ArecHttpSigner *signer, const ArecCancel *cancel, GError **error)
{
    (void)cancel;
    (void)error;
    ((Signer *)signer)->n_prepared++;
    return true;
}

static bool
renew (ArecHttpSigner *base, unsigned version, const ArecCancel *cancel, GError **error)
{
    Signer *signer = (Signer *)base;
    bool ok = true;

    (void)cancel;
    pthread_mutex_lock (&signer->lock);
    if ((unsigned)signer->token == version) {
        g_usleep (10000);
        ok = signer->token < signer->n_tokens;
        signer->token += ok;
        signer->n_renewed += ok;
    }
    pthread_mutex_unlock (&signer->lock);
    return ok || arec_fail (error, AREC_ERROR_NOT_FOUND, "there are no more tokens");
}

static bool
sign (ArecHttpSigner *base, const ArecHttpSubject *subject, ArecHttpSigned *out, GError **error)
{
    Signer *signer = (Signer *)base;

    (void)error;
    g_assert_cmpstr (subject->key, ==, "k");
    *out = (ArecHttpSigned){.url = g_strdup (signer->url),
                            .headers = g_new0 (char *, 2),
                            .version = (unsigned)signer->token};
    out->headers[0] = g_strdup_printf ("x-token: %u", out->version);
    return true;
}

static bool
learn (ArecHttpSigner *signer, unsigned version, const ArecHttpAnswer *answer,
       const ArecS3Fault *fault)
{
    g_assert_cmpuint (answer->status, ==, 400);
    g_assert_cmpstr (fault->code, ==, "ExpiredToken");
    return (unsigned)((Signer *)signer)->token != version;
}

static void
free_signer (ArecHttpSigner *base)
{
    Signer *signer = (Signer *)base;

    pthread_mutex_destroy (&signer->lock);
    g_free (signer->url);
    g_free (signer);
}

static const ArecHttpSignerOps signer_ops = {
    .prepare = prepare, .renew = renew, .sign = sign, .learn = learn, .free = free_signer};

/* The server of the fixture wants the token 1, and the target has it. Returns (transfer none)
 * of the target. */
static Signer *
make_signed (Fixture *fixture)
{
    Signer *signer = g_new0 (Signer, 1);
    ArecHttpSubject subject;

    signer->signer = (ArecHttpSigner){.refs = 1, .ops = &signer_ops};
    signer->url = g_strdup (fixture->target->url);
    signer->token = 1;
    pthread_mutex_init (&signer->lock, NULL);
    arec_http_subject_init (&subject, "k", NULL, 0);
    arec_http_target_unref (fixture->target);
    fixture->target =
        arec_http_target_new_signed (&signer->signer, "s3://b/k", "http://h", &subject);
    arec_http_signer_unref (&signer->signer);
    fixture->server->token = 1;
    return signer;
}

/* Tokens end under the hands of many readers, who notice nothing. */
static void
test_renewed (Fixture *fixture, const void *data)
{
    Signer *signer = make_signed (fixture);
    g_autoptr (ArecSource) source = NULL;
    Reader reader = {.fixture = fixture};
    pthread_t threads[16];

    (void)data;
    signer->n_tokens = 3;
    source = reader.source = open_source (fixture);
    for (int token = 2; token <= 3; token++) {
        fixture->server->token = token;
        for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
            g_assert_cmpint (pthread_create (&threads[i], NULL, read_random, &reader), ==, 0);
        }
        for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
            pthread_join (threads[i], NULL);
        }
        g_assert_cmpint (signer->n_renewed, ==, token - 1);
    }
    g_assert_cmpint (fixture->server->n_refused, >=, 2);
    g_assert_cmpint (signer->n_prepared, >, 2);
}

/* There is nothing newer: what the server said is the error, and why. */
static void
test_not_renewed (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = NULL;
    g_autoptr (GError) error = NULL;
    uint8_t byte;

    (void)data;
    make_signed (fixture);
    source = open_source (fixture);
    fixture->server->token = 2;
    g_assert_false (arec_source_pread (source, &byte, 1, 0, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_IO);
    g_assert_cmpstr (error->message, ==,
                     "x: at 0: HTTP 400, ExpiredToken: Over; the credentials have ended; there"
                     " are no more tokens");
    g_assert_cmpint (fixture->server->n_refused, ==, 1);
}

/* What is asked for ahead waits for its reader, who renews. */
static void
test_renewed_ahead (Fixture *fixture, const void *data)
{
    Signer *signer = make_signed (fixture);
    g_autoptr (ArecSource) source = NULL;
    const ArecRange range = {1000, 200000};

    (void)data;
    signer->n_tokens = 2;
    source = open_source (fixture);
    fixture->server->token = 2;
    arec_source_will_need (source, &range, 1, AREC_URGENCY_AHEAD);
    while (fixture->server->n_refused == 0) {
        g_usleep (1000);
    }
    assert_reads (fixture, source, 1000, 199000);
    g_assert_cmpint (signer->n_renewed, ==, 1);
}

static void *
read_stopped (void *data)
{
    Reader *reader = data;
    g_autoptr (GError) error = NULL;
    uint8_t byte;

    g_assert_false (arec_source_pread (reader->source, &byte, 1, 0, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
    return NULL;
}

/* A client that stops lets its readers go, and is freed with requests that nobody waits for. */
static void
test_stop (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    Reader reader = {fixture, source};
    pthread_t thread;
    const ArecRangeRequest range = {.span = {0, 1}, .urgency = AREC_URGENCY_DEMAND};
    g_autoptr (ArecHttpTarget) target = arec_http_target_ref (fixture->target);
    g_autoptr (ArecHttpRequest) request = arec_http_request_new (target, &range, NULL, 20 * S);

    (void)data;
    fixture->server->is_silent = true;
    g_assert_true (arec_http_client_submit (fixture->client, request, NULL));
    g_assert_cmpint (pthread_create (&thread, NULL, read_stopped, &reader), ==, 0);
    while (fixture->server->n_requests < 3) {
        g_usleep (1000);
    }
    arec_http_client_stop (fixture->client);
    pthread_join (thread, NULL);
    g_assert_true (arec_http_client_wait (fixture->client, request, NULL));
    g_assert_cmpint (request->result.end, ==, AREC_HTTP_STOPPED);
    read_stopped (&reader); /* nor does one begin */
}

static void *
set_later (void *data)
{
    g_usleep (200000);
    arec_cancel_set (data);
    return NULL;
}

static void
test_cancel (Fixture *fixture, const void *data)
{
    ArecCancel cancel = {0};
    g_autoptr (GError) error = NULL;
    pthread_t thread;

    (void)data;
    fixture->server->is_silent = true;
    g_assert_cmpint (pthread_create (&thread, NULL, set_later, &cancel), ==, 0);
    g_assert_null (
        arec_object_source_new (fixture->client, fixture->target, "x", &cancel, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
    pthread_join (thread, NULL);
}

/* A reader whose thread has bound a cancel; then the server is asked again. */
static void
test_cancelled_reader (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    ArecCancel cancel = {0};
    g_autoptr (GError) error = NULL;
    pthread_t thread;
    uint8_t byte;

    (void)data;
    fixture->server->is_silent = true;
    g_assert_cmpint (pthread_create (&thread, NULL, set_later, &cancel), ==, 0);
    arec_cancel_bind (&cancel);
    g_assert_false (arec_source_pread (source, &byte, 1, 0, &error));
    g_assert_error (error, AREC_ERROR, AREC_ERROR_CANCELLED);
    arec_cancel_bind (NULL);
    pthread_join (thread, NULL);
    fixture->server->is_silent = false;
    assert_reads (fixture, source, 0, 1);
    g_assert_cmpint (fixture->server->n_requests, ==, 3);
}

static void *
read_cancelled (void *data)
{
    Reader *reader = data;
    ArecCancel cancel = {1};
    uint8_t byte;

    arec_cancel_bind (&cancel);
    g_assert_false (arec_source_pread (reader->source, &byte, 1, 1000, NULL));
    return NULL;
}

/* Of two readers that wait for one request, one is cancelled. */
static void
test_one_of_two_is_cancelled (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    Reader reader = {fixture, source};
    pthread_t first, second;

    (void)data;
    fixture->server->held = S / 2;
    g_assert_cmpint (pthread_create (&first, NULL, read_same, &reader), ==, 0);
    while (fixture->server->n_requests < 2) {
        g_usleep (1000);
    }
    g_assert_cmpint (pthread_create (&second, NULL, read_cancelled, &reader), ==, 0);
    pthread_join (second, NULL);
    pthread_join (first, NULL);
}

/* One that was never asked has no thread to end. */
static void
test_unused (Fixture *fixture, const void *data)
{
    (void)fixture;
    (void)data;
    arec_http_client_stop (fixture->client);
}

/* ---- ahead of readers -------------------------------------------------------------------- */

static void
name (ArecSource *source, uint64_t begin, uint64_t end)
{
    arec_source_will_need (source, &(ArecRange){begin, end}, 1, AREC_URGENCY_AHEAD);
}

/* What was named comes once, however often it was named, and is dropped once it was read. */
static void
test_ahead (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    atomic_int *n = &fixture->server->n_requests;

    (void)data;
    name (source, 1000, 51000);
    name (source, 400000, 440000);
    name (source, 1000, 51000);
    name (source, 20000, 30000);
    assert_reads (fixture, source, 1000, 40); /* as the header of a chunk */
    assert_reads (fixture, source, 1000, 25000);
    assert_reads (fixture, source, 26000, 25000);
    assert_reads (fixture, source, 400000, 40000);
    g_assert_cmpint (*n, ==, 3);
    assert_reads (fixture, source, 1000, 50000);
    g_assert_cmpint (*n, ==, 4);
    name (source, SIZE - 1000, SIZE); /* which came with the opening */
    assert_reads (fixture, source, SIZE - 1000, 1000);
    g_assert_cmpint (*n, ==, 4);
}

/* Named and not read: freed with its requests under way. */
static void
test_ahead_unread (Fixture *fixture, const void *data)
{
    ArecSource *source = open_source (fixture);

    (void)data;
    fixture->server->is_silent = true;
    name (source, 0, 100000);
    name (source, 300000, 500000);
    arec_source_free (source);
}

/* All sources of a client share a bound; what does not fit is asked for when it is read. */
static void
test_ahead_bound (Fixture *fixture, const void *data)
{
    enum { N = 5 };
    ArecSource *sources[N];
    atomic_int *n = &fixture->server->n_requests;

    (void)data;
    for (size_t i = 0; i < N; i++) {
        sources[i] = open_source (fixture);
        name (sources[i], 0, 860000);
    }
    for (size_t i = 0; i < N; i++) {
        assert_reads (fixture, sources[i], 100000, 8192);
    }
    g_assert_cmpint (*n, ==, N + N); /* four that were named, and one read */
    arec_source_free (sources[0]);
    name (sources[N - 1], 0, 860000);
    assert_reads (fixture, sources[N - 1], 500000, 8192);
    assert_reads (fixture, sources[N - 1], 700000, 8192);
    g_assert_cmpint (*n, ==, N + N + 1);
    for (size_t i = 1; i < N; i++) {
        arec_source_free (sources[i]);
    }
}

/* A request that was made ahead and failed is no reader's error. */
static void
test_ahead_failed (Fixture *fixture, const void *data)
{
    const ArecHttpOptions options = {.deadline = 2 * S};
    ArecHttpClient *client = arec_http_client_new (&options);
    GError *error = NULL;
    ArecSource *source = arec_object_source_new (client, fixture->target, "x", NULL, &error);

    (void)data;
    g_assert_no_error (error);
    fixture->server->is_silent = true;
    name (source, 0, 50000);
    g_usleep (3 * S); /* past its deadline, and the time for which the host is down then */
    fixture->server->is_silent = false;
    assert_reads (fixture, source, 0, 50000);
    arec_source_free (source);
    arec_http_client_free (client);
}

static void *
read_and_name (void *data)
{
    Reader *reader = data;
    g_autoptr (GRand) random = g_rand_new_with_seed ((guint32)(uintptr_t)&random);

    for (int i = 0; i < 60; i++) {
        uint64_t offset = (uint64_t)g_rand_int_range (random, 0, SIZE - 1);
        size_t size = (size_t)g_rand_int_range (random, 1, 100000);

        name (reader->source, offset, MIN (offset + 2 * size, SIZE));
        assert_reads (reader->fixture, reader->source, offset, MIN (size, SIZE - offset));
    }
    return NULL;
}

static void
test_ahead_many (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);
    Reader reader = {fixture, source};
    pthread_t threads[8];

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        g_assert_cmpint (pthread_create (&threads[i], NULL, read_and_name, &reader), ==, 0);
    }
    for (size_t i = 0; i < G_N_ELEMENTS (threads); i++) {
        pthread_join (threads[i], NULL);
    }
}

/* ---- asked for twice --------------------------------------------------------------------- */

static ArecRemoteStats
stats_of (ArecHttpClient *client)
{
    ArecRemoteStats stats;

    arec_http_client_get_stats (client, &stats);
    return stats;
}

/* The first byte never comes on one connection: another one is asked, once. On a busy machine
 * other answers may be late, too; no more than one of 20 requests is made for that. */
static void
test_hedge (Fixture *fixture, const void *data)
{
    enum { N = 200, MUTE = 100 };
    g_autoptr (ArecSource) source = open_source (fixture);
    g_autoptr (GRand) random = g_rand_new_with_seed (7);
    ArecRemoteStats stats;
    int n;

    (void)data;
    fixture->server->mutes = MUTE;
    for (int i = 0; i < N; i++) {
        uint64_t offset = (uint64_t)g_rand_int_range (random, 0, SIZE - 131072 - 1000);

        assert_reads (fixture, source, offset, 1000);
    }
    stats = stats_of (fixture->client);
    n = fixture->server->n_requests;
    g_assert_cmpuint (stats.hedges, >=, 1);
    g_assert_cmpuint (stats.hedges_won, >=, 1);
    g_assert_cmpuint (stats.hedges, <=, N / AREC_HEDGE_SHARE);
    g_assert_cmpint (n, >=, 1 + N + 1);
    g_assert_cmpuint (stats.retries_stall, ==, 0);
    g_assert_cmpint (n, <=, 1 + N + N / AREC_HEDGE_SHARE);
}

/* Until enough is known of a server, it is only asked again once its time is over. */
static void
test_no_hedge (Fixture *fixture, const void *data)
{
    g_autoptr (ArecSource) source = open_source (fixture);

    (void)data;
    fixture->server->mutes = 3;
    assert_reads (fixture, source, 0, 1000);
    assert_reads (fixture, source, 5000, 1000);
    g_assert_cmpuint (stats_of (fixture->client).hedges, ==, 0);
    g_assert_cmpuint (stats_of (fixture->client).retries_stall, >=, 1);
}

/* ---- bought ------------------------------------------------------------------------------ */

#define FRONT ((uint64_t)SIZE - 131072) /* the rest comes with the opening */

/* Reads pieces one after the other, each of which keeps its reader for 20 ms. Returns how many
 * it has read when something was bought. */
static unsigned
read_until_bought (Fixture *fixture, ArecHttpClient *client, ArecSource *source, unsigned most)
{
    fixture->server->held = 20000;
    for (unsigned i = 0; i < most; i++) {
        /* From both ends. */
        assert_reads (fixture, source, i % 2 == 0 ? i * 5000 : FRONT - (i + 1) * 5000, 1000);
        if (stats_of (client).bought > 0) {
            return i + 1;
        }
    }
    return most;
}

/* All that was not read is fetched, once. */
static void
test_bought (Fixture *fixture, const void *data)
{
    const ArecHttpOptions options = {.deadline = 20 * S, .max_ahead = 8 << 20};
    ArecHttpClient *client = arec_http_client_new (&options);
    GError *error = NULL;
    ArecSource *source = arec_object_source_new (client, fixture->target, "x", NULL, &error);
    unsigned n, n_again = 0;
    ArecRemoteStats stats;

    (void)data;
    g_assert_no_error (error);
    n = read_until_bought (fixture, client, source, 60);
    g_assert_cmpuint (n, <, 60);
    while (n_again < 1000 && stats_of (client).bought < FRONT - n * 1000) {
        assert_reads (fixture, source, 0, 1000); /* waits again */
        n_again++;
    }
    g_assert_cmpuint (stats_of (client).bought, ==, FRONT - n * 1000);
    for (uint64_t at = 0; at < FRONT / 2; at += 10000) { /* between the pieces */
        assert_reads (fixture, source, at + 1000, 9000);
        assert_reads (fixture, source, FRONT - at - 9000, 9000);
    }
    /* The opening, the pieces, those between them; and what is asked for twice as the machine
     * is busy. */
    stats = stats_of (client);
    g_assert_cmpuint ((unsigned)fixture->server->n_requests, ==,
                      1 + n + n_again + n + stats.hedges + stats.retries_stall);
    arec_source_free (source);
    arec_http_client_free (client);
}

static void
test_not_bought (Fixture *fixture, const void *data)
{
    /* Without prefetching; an object that does not fit. */
    static const uint64_t max_ahead[] = {0, SIZE};

    (void)data;
    for (size_t i = 0; i < G_N_ELEMENTS (max_ahead); i++) {
        const ArecHttpOptions options = {.deadline = 20 * S, .max_ahead = max_ahead[i]};
        ArecHttpClient *client = arec_http_client_new (&options);
        GError *error = NULL;
        ArecSource *source =
            arec_object_source_new (client, fixture->target, "x", NULL, &error);

        g_assert_no_error (error);
        read_until_bought (fixture, client, source, 80);
        g_assert_cmpuint (stats_of (client).bought, ==, 0);
        arec_source_free (source);
        arec_http_client_free (client);
    }
}

int
main (int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*test) (Fixture *, const void *);
    } tests[] = {
        {"/object_source/reads", test_reads},
        {"/object_source/listed", test_listed},
        {"/object_source/vector", test_vector},
        {"/object_source/joined", test_joined},
        {"/object_source/slowed_down", test_slowed_down},
        {"/object_source/many_readers", test_many_readers},
        {"/object_source/renewed", test_renewed},
        {"/object_source/not_renewed", test_not_renewed},
        {"/object_source/renewed_ahead", test_renewed_ahead},
        {"/object_source/ahead", test_ahead},
        {"/object_source/ahead_unread", test_ahead_unread},
        {"/object_source/ahead_bound", test_ahead_bound},
        {"/object_source/ahead_failed", test_ahead_failed},
        {"/object_source/ahead_many", test_ahead_many},
        {"/object_source/stop", test_stop},
        {"/object_source/cancel", test_cancel},
        {"/object_source/cancelled-reader", test_cancelled_reader},
        {"/object_source/one-of-two-is-cancelled", test_one_of_two_is_cancelled},
        {"/object_source/hedge", test_hedge},
        {"/object_source/no-hedge", test_no_hedge},
        {"/object_source/bought", test_bought},
        {"/object_source/not-bought", test_not_bought},
        {"/object_source/unused", test_unused},
    };

    g_test_init (&argc, &argv, NULL);
    g_unsetenv ("http_proxy");
    g_unsetenv ("all_proxy");
    for (size_t i = 0; i < G_N_ELEMENTS (tests); i++) {
        g_test_add (tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
    }
    return g_test_run();
}
