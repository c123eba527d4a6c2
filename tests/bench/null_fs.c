/* The null filesystem: records of one size out of memory, with the mount options, the flags and
 * the answers that arecfs gives the kernel. Its speed is the ceiling for any server.
 *
 *   null_fs [--records N] [--size BYTES] [--push GROUP] [--readdir] [--splice] MOUNTPOINT
 *
 * --push GROUP stores the rest of a group of GROUP records in the page cache at the first READ
 * in it; --readdir lists names only, while otherwise every listing gives attributes; --splice
 * sends data through a pipe by splice (2), which arecfs does not do.
 * Stays in the foreground and has no signal handlers: it ends when it is unmounted.
 */
#define FUSE_USE_VERSION 312

#include <errno.h>
#include <fuse_lowlevel.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum { ROOT = 1, FIRST = 2 };               /* nodes; record i is FIRST + i */
enum { THREADS = 12, MAX_BACKGROUND = 64 }; /* as in fs/kernel/session.c */
enum { HEAD_START = 8, MAX_WAITERS = 24 };  /* as in fs/read/push.c */
static const double forever = 365 * 86400.0;

/* A READ that the push thread answers, after it has stored some of the next records. */
typedef struct Job {
    struct Job *next;
    fuse_req_t req;
    uint64_t record;
    size_t size;
} Job;

static struct {
    uint64_t n_records, push_group;
    size_t record_size;
    bool names_only, splices;
    int width;  /* of names */
    char *data; /* the bytes of every record */
    struct fuse_session *session;
} fs = {.n_records = 100000, .record_size = 4096};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    Job *first, **last;
    unsigned n_waiting;
    bool *pushed; /* for each group */
    bool ending;
} push = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static void
fill_stat (fuse_ino_t ino, struct stat *st)
{
    *st = (struct stat){.st_ino = ino, .st_nlink = 1};
    if (ino == ROOT) {
        st->st_mode = S_IFDIR | 0555;
        st->st_nlink = 2;
    } else {
        st->st_mode = S_IFREG | 0444;
        st->st_size = (off_t)fs.record_size;
        st->st_blocks = (st->st_size + 511) / 512;
    }
}

static struct fuse_entry_param
entry_of (fuse_ino_t ino)
{
    struct fuse_entry_param entry = {
        .ino = ino, .attr_timeout = forever, .entry_timeout = forever};

    fill_stat (ino, &entry.attr);
    return entry;
}

static void
op_init (void *data, struct fuse_conn_info *conn)
{
    unsigned wanted = FUSE_CAP_ASYNC_READ | FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_PARALLEL_DIROPS |
                      FUSE_CAP_READDIRPLUS | FUSE_CAP_NO_OPEN_SUPPORT |
                      FUSE_CAP_EXPLICIT_INVAL_DATA | FUSE_CAP_ASYNC_DIO;

    (void)data;
    if (fs.names_only) {
        wanted &= ~(unsigned)FUSE_CAP_READDIRPLUS;
    }
    if (fs.splices) {
        wanted |= FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE;
    }
    conn->want = wanted & conn->capable;
    conn->max_background = MAX_BACKGROUND;
    conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
}

static void
op_lookup (fuse_req_t req, fuse_ino_t parent, const char *name)
{
    struct fuse_entry_param entry = {.entry_timeout = forever};
    char *end = NULL;
    uint64_t record = strtoull (name, &end, 10);

    (void)parent;
    if (end == name + fs.width && *end == '\0' && record < fs.n_records) {
        entry = entry_of (FIRST + record);
    }
    fuse_reply_entry (req, &entry);
}

static void
op_getattr (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    struct stat st;

    (void)info;
    fill_stat (ino, &st);
    fuse_reply_attr (req, &st, forever);
}

static void
op_open (fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *info)
{
    (void)ino;
    (void)info;
    fuse_reply_err (req, ENOSYS);
}

/* Position i is that before record i. */
static void
list (fuse_req_t req, size_t size, off_t offset, bool plus)
{
    char *buffer = malloc (size), name[24];
    size_t used = 0;

    if (!buffer) {
        fuse_reply_err (req, ENOMEM);
        return;
    }
    for (uint64_t i = (uint64_t)offset; i < fs.n_records; i++) {
        struct fuse_entry_param entry = entry_of (FIRST + i);
        size_t room = size - used, length;

        snprintf (name, sizeof name, "%0*" PRIu64, fs.width, i);
        length = plus ? fuse_add_direntry_plus (req, buffer + used, room, name, &entry,
                                                (off_t)(i + 1))
                      : fuse_add_direntry (req, buffer + used, room, name, &entry.attr,
                                           (off_t)(i + 1));
        if (length > room) {
            break;
        }
        used += length;
    }
    fuse_reply_buf (req, buffer, used);
    free (buffer);
}

static void
op_readdir (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
            struct fuse_file_info *info)
{
    (void)ino;
    (void)info;
    list (req, size, offset, false);
}

static void
op_readdirplus (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
                struct fuse_file_info *info)
{
    (void)ino;
    (void)info;
    list (req, size, offset, true);
}

/* ---- reading and pushing ---- */

static void
reply_data (fuse_req_t req, size_t size, size_t offset)
{
    size_t left = offset < fs.record_size ? fs.record_size - offset : 0;
    char *data = fs.data + (left > 0 ? offset : 0);

    size = size < left ? size : left;
    if (fs.splices) {
        struct fuse_bufvec buffer = FUSE_BUFVEC_INIT (size);

        buffer.buf[0].mem = data;
        fuse_reply_data (req, &buffer, FUSE_BUF_FORCE_SPLICE);
        return;
    }
    fuse_reply_buf (req, data, size);
}

/* Whether the push thread will answer: the first READ of a group. */
static bool
hand_over (fuse_req_t req, uint64_t record, size_t size)
{
    bool *pushed = &push.pushed[record / fs.push_group];
    Job *job = NULL;

    pthread_mutex_lock (&push.lock);
    if (!*pushed && push.n_waiting < MAX_WAITERS && (job = malloc (sizeof *job))) {
        *job = (Job){.req = req, .record = record, .size = size};
        *pushed = true;
        *push.last = job;
        push.last = &job->next;
        push.n_waiting++;
        pthread_cond_signal (&push.changed);
    }
    pthread_mutex_unlock (&push.lock);
    return job != NULL;
}

static void
op_read (fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *info)
{
    (void)info;
    if (fs.push_group == 0 || offset > 0 || !hand_over (req, ino - FIRST, size)) {
        reply_data (req, size, (size_t)offset);
    }
}

/* Whether the kernel took the bytes; it refuses them if it does not know the node. */
static bool
store (uint64_t record)
{
    struct fuse_bufvec buffer = FUSE_BUFVEC_INIT (fs.record_size);

    buffer.buf[0].mem = fs.data;
    return fuse_lowlevel_notify_store (fs.session, FIRST + record, 0, &buffer, 0) == 0;
}

static void
push_group (const Job *job)
{
    uint64_t end = (job->record / fs.push_group + 1) * fs.push_group;
    bool answered = false;

    for (uint64_t i = job->record + 1; i < end && i < fs.n_records && store (i); i++) {
        if (i == job->record + HEAD_START) {
            reply_data (job->req, job->size, 0);
            answered = true;
        }
    }
    if (!answered) {
        reply_data (job->req, job->size, 0);
    }
}

static void *
run_push (void *data)
{
    pthread_mutex_lock (&push.lock);
    while (!push.ending) {
        Job *job = push.first;

        if (!job) {
            pthread_cond_wait (&push.changed, &push.lock);
            continue;
        }
        pthread_mutex_unlock (&push.lock);
        push_group (job);
        pthread_mutex_lock (&push.lock);
        push.first = job->next;
        if (!push.first) {
            push.last = &push.first;
        }
        push.n_waiting--;
        free (job);
    }
    pthread_mutex_unlock (&push.lock);
    return data;
}

/* ---- start ---- */

static void
die (const char *what)
{
    fprintf (stderr, "null_fs: %s\n", what);
    exit (1);
}

static uint64_t
number (const char *text)
{
    char *end = NULL;
    unsigned long long value;

    errno = 0;
    value = strtoull (text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        fprintf (stderr, "null_fs: not a number: %s\n", text);
        exit (2);
    }
    return value;
}

static const char *
parse (int argc, char **argv)
{
    static const struct option options[] = {
        {"records", required_argument, NULL, 'n'}, {"size", required_argument, NULL, 's'},
        {"push", required_argument, NULL, 'p'},    {"readdir", no_argument, NULL, 'r'},
        {"splice", no_argument, NULL, 'c'},        {0}};
    int option;

    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'n': fs.n_records = number (optarg); break;
        case 's': fs.record_size = number (optarg); break;
        case 'p': fs.push_group = number (optarg); break;
        case 'r': fs.names_only = true; break;
        case 'c': fs.splices = true; break;
        default: exit (2);
        }
    }
    if (optind != argc - 1 || fs.n_records == 0) {
        fprintf (stderr, "usage: null_fs [--records N] [--size BYTES] [--push GROUP] "
                         "[--readdir] [--splice] MOUNTPOINT\n");
        exit (2);
    }
    return argv[optind];
}

/* Lines of 64 bytes, so that tools for text have text. */
static void
make_data (void)
{
    fs.data = malloc (fs.record_size + 1);
    if (!fs.data) {
        die ("no memory for the data");
    }
    for (size_t i = 0; i < fs.record_size; i++) {
        fs.data[i] = i % 64 == 63 ? '\n' : (char)('a' + i % 26);
    }
    fs.width = snprintf (NULL, 0, "%" PRIu64, fs.n_records - 1);
}

/* Asks for parallel look-ups, as fs/kernel/transport.c does, because libfuse 3.14 does not.
 * The first reply is the one to INIT. */
static ssize_t
send_reply (int fd, struct iovec *iov, int count, void *data)
{
    static bool is_initialized;

    (void)data;
    if (!is_initialized && count > 1) {
        is_initialized = true;
        ((struct fuse_init_out *)iov[1].iov_base)->flags |= FUSE_PARALLEL_DIROPS;
    }
    return writev (fd, iov, count);
}

static ssize_t
receive_request (int fd, void *buffer, size_t size, void *data)
{
    (void)data;
    return read (fd, buffer, size);
}

static void
mount_on (const char *path)
{
    static const struct fuse_custom_io io = {.writev = send_reply, .read = receive_request};
    static const struct fuse_lowlevel_ops operations = {.init = op_init,
                                                        .lookup = op_lookup,
                                                        .getattr = op_getattr,
                                                        .open = op_open,
                                                        .read = op_read,
                                                        .readdir = op_readdir,
                                                        .readdirplus = op_readdirplus};
    char *argv[] = {"null_fs", "-o", "ro,fsname=null,subtype=null", NULL};
    struct fuse_args args = FUSE_ARGS_INIT (3, argv);

    fs.session = fuse_session_new (&args, &operations, sizeof operations, NULL);
    fuse_opt_free_args (&args);
    if (!fs.session || fuse_session_mount (fs.session, path) != 0) {
        die ("cannot mount");
    }
    if (!fs.splices && /* libfuse splices by its own calls alone */
        fuse_session_custom_io (fs.session, &io, fuse_session_fd (fs.session)) != 0) {
        die ("cannot send replies");
    }
}

int
main (int argc, char **argv)
{
    const char *path = parse (argc, argv);
    struct fuse_loop_config *config = fuse_loop_cfg_create();
    pthread_t thread;
    int result;

    make_data();
    mount_on (path);
    push.last = &push.first;
    if (fs.push_group > 0) {
        push.pushed = calloc (fs.n_records / fs.push_group + 1, sizeof *push.pushed);
        if (!push.pushed || pthread_create (&thread, NULL, run_push, NULL) != 0) {
            die ("cannot start pushing");
        }
    }
    fuse_loop_cfg_set_clone_fd (config, 0);
    fuse_loop_cfg_set_max_threads (config, THREADS);
    fuse_loop_cfg_set_idle_threads (config, THREADS);
    result = fuse_session_loop_mt (fs.session, config);
    fuse_loop_cfg_destroy (config);
    if (fs.push_group > 0) {
        pthread_mutex_lock (&push.lock);
        push.ending = true;
        pthread_cond_signal (&push.changed);
        pthread_mutex_unlock (&push.lock);
        pthread_join (thread, NULL);
    }
    fuse_session_unmount (fs.session);
    fuse_session_destroy (fs.session);
    return result == 0 ? 0 : 1;
}
