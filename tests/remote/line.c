/* A line between two network namespaces of its own, with delay, rate, queue and loss: a tun
 * device in each, a thread each way. What runs over it is real TCP, so slow start, loss and
 * time-outs are real.
 *
 *     line [--delay-ms N] [--rate-mbit N] [--queue-ms N] [--loss PER_MILLE] [--seed N]
 *
 *     near, 10.77.0.1  ---- queue, rate, delay, loss ---->  far, 10.77.0.2
 *                      <---------------------------------
 *
 * Prints `near /proc/PID/task/TID/ns/net`, `far ...` and `ready`, each on a line: what is to
 * run at an end is started by `nsenter --net=PATH`; a mount made so is seen outside. Runs until
 * its stdin ends or a signal comes, then prints packets, bytes, and how many the full queue and
 * the loss took, each way. The namespaces go with their last process. Needs root and
 * /dev/net/tun.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MTU 1500
#define MASK "255.255.255.0"
#define NS_PER_MS INT64_C (1000000)
#define NS_PER_S INT64_C (1000000000)

typedef struct {
    int64_t due; /* when it comes out */
    size_t size;
    uint8_t data[MTU];
} Packet;

/* One way. */
typedef struct {
    int in, out; /* tun devices */
    uint64_t seed;
    Packet *ring; /* those under way */
    size_t capacity, first, n;
    int64_t line_free; /* when the last bit of the last packet has left */
    uint64_t packets, bytes, dropped, lost;
} Way;

static int64_t delay_ns = 25 * NS_PER_MS, queue_ns = 100 * NS_PER_MS;
static double bits_per_ns = 0.2, loss;
static uint64_t seed = 1;

static _Noreturn void
fail (const char *what)
{
    fprintf (stderr, "line: %s: %s\n", what, strerror (errno));
    exit (1);
}

static int64_t
now (void)
{
    struct timespec time;

    clock_gettime (CLOCK_MONOTONIC, &time);
    return time.tv_sec * NS_PER_S + time.tv_nsec;
}

/* ---- the two ends ---- */

static void
set_address (int fd, struct ifreq *request, unsigned long call, const char *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET};

    inet_pton (AF_INET, address, &in.sin_addr);
    memcpy (&request->ifr_addr, &in, sizeof in);
    if (ioctl (fd, call, request) != 0) {
        fail ("cannot set an address");
    }
}

static void
bring_up (int fd, const char *name)
{
    struct ifreq request = {0};

    strcpy (request.ifr_name, name);
    if (ioctl (fd, SIOCGIFFLAGS, &request) != 0) {
        fail ("cannot read flags");
    }
    request.ifr_flags |= IFF_UP;
    if (ioctl (fd, SIOCSIFFLAGS, &request) != 0) {
        fail ("cannot bring up a device");
    }
}

/* Moves the calling thread into a new namespace with a tun device, which it returns. */
static int
make_end (const char *label, const char *address)
{
    struct ifreq request = {.ifr_name = "line0", .ifr_flags = IFF_TUN | IFF_NO_PI};
    int tun, control;

    if (unshare (CLONE_NEWNET) != 0) {
        fail ("cannot make a network namespace");
    }
    tun = open ("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (tun < 0 || ioctl (tun, TUNSETIFF, &request) != 0) {
        fail ("/dev/net/tun");
    }
    control = socket (AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    set_address (control, &request, SIOCSIFADDR, address);
    set_address (control, &request, SIOCSIFNETMASK, MASK);
    bring_up (control, "line0");
    bring_up (control, "lo");
    close (control);
    printf ("%s /proc/%d/task/%d/ns/net\n", label, getpid(), gettid());
    return tun;
}

/* ---- one way ---- */

static uint64_t
next_random (uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Takes in one packet. Returns false if there is none. */
static bool
take (Way *way)
{
    uint8_t spare[MTU];
    bool full = way->n == way->capacity;
    Packet *packet = &way->ring[(way->first + way->n) % way->capacity];
    ssize_t size = read (way->in, full ? spare : packet->data, MTU);
    int64_t at, starts;

    if (size < 0 && errno != EAGAIN && errno != EINTR) {
        fail ("cannot read from a tun device");
    }
    if (size <= 0) {
        return false;
    }
    at = now();
    starts = way->line_free > at ? way->line_free : at;
    if (full || starts - at > queue_ns) {
        way->dropped++;
        return true;
    }
    way->line_free = starts + (int64_t)((double)size * 8 / bits_per_ns);
    if (loss > 0 && (double)(next_random (&way->seed) >> 11) < loss * 0x1p53) {
        way->lost++;
        return true;
    }
    packet->due = way->line_free + delay_ns;
    packet->size = (size_t)size;
    way->n++;
    return true;
}

/* Gives out what is due. */
static void
give (Way *way)
{
    while (way->n > 0 && way->ring[way->first].due <= now()) {
        Packet *packet = &way->ring[way->first];

        /* What the far end does not take is lost, as on any line. */
        if (write (way->out, packet->data, packet->size) > 0) {
            way->packets++;
            way->bytes += packet->size;
        } else {
            way->dropped++;
        }
        way->first = (way->first + 1) % way->capacity;
        way->n--;
    }
}

static void *
run (void *data)
{
    Way *way = data;

    prctl (PR_SET_TIMERSLACK, 1UL);
    for (;;) {
        struct pollfd poll = {.fd = way->in, .events = POLLIN};
        int64_t wait = way->n > 0 ? way->ring[way->first].due - now() : NS_PER_S;
        struct timespec timeout;

        wait = wait < 0 ? 0 : wait;
        timeout = (struct timespec){wait / NS_PER_S, wait % NS_PER_S};
        ppoll (&poll, 1, &timeout, NULL);
        while (take (way)) {
            give (way);
        }
        give (way);
    }
    return NULL;
}

static void
start (Way *way, int in, int out)
{
    pthread_t thread;
    /* All that rate and queue can have under way, in packets of 64 bytes. */
    double bytes = bits_per_ns / 8 * (double)(delay_ns + queue_ns);

    *way = (Way){.in = in, .out = out, .seed = seed * 2654435761U + (uint64_t)in};
    way->capacity = (size_t)(bytes / 64) + 1024;
    way->ring = malloc (way->capacity * sizeof *way->ring);
    if (!way->ring || pthread_create (&thread, NULL, run, way) != 0) {
        fail ("cannot start a thread");
    }
}

/* The far end's namespace lasts as long as this thread. */
static void *
hold_far_end (void *tun)
{
    atomic_store ((_Atomic int *)tun, make_end ("far", "10.77.0.2"));
    for (;;) {
        pause();
    }
    return NULL;
}

static double
number (const char *text, double least, double most)
{
    char *end;
    double value = strtod (text, &end);

    if (end == text || *end || !(value >= least && value <= most)) {
        fprintf (stderr, "line: %s is not within %g and %g\n", text, least, most);
        exit (2);
    }
    return value;
}

static void
parse (int argc, char **argv)
{
    static const struct option options[] = {
        {"delay-ms", 1, NULL, 'd'}, {"rate-mbit", 1, NULL, 'r'}, {"queue-ms", 1, NULL, 'q'},
        {"loss", 1, NULL, 'l'},     {"seed", 1, NULL, 's'},      {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'd': delay_ns = (int64_t)(number (optarg, 0, 10000) * NS_PER_MS); break;
        case 'r': bits_per_ns = number (optarg, 0.001, 100000) / 1000; break;
        case 'q': queue_ns = (int64_t)(number (optarg, 0, 10000) * NS_PER_MS); break;
        case 'l': loss = number (optarg, 0, 1000) / 1000; break;
        case 's': seed = (uint64_t)number (optarg, 1, 1e9); break;
        default: exit (2);
        }
    }
}

/* Until stdin ends or a signal comes. */
static void
wait_for_end (const sigset_t *signals)
{
    struct pollfd ends[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = signalfd (-1, signals, SFD_CLOEXEC), .events = POLLIN}};
    char byte;

    for (;;) {
        if (poll (ends, 2, -1) > 0 &&
            (ends[1].revents || (ends[0].revents && read (STDIN_FILENO, &byte, 1) <= 0))) {
            return;
        }
    }
}

static void
print_way (const char *label, const Way *way)
{
    printf ("%s packets %" PRIu64 " bytes %" PRIu64 " dropped %" PRIu64 " lost %" PRIu64 "\n",
            label, way->packets, way->bytes, way->dropped, way->lost);
}

int
main (int argc, char **argv)
{
    const struct sched_param priority = {.sched_priority = 1};
    static Way out, back;
    static _Atomic int far = -1;
    pthread_t thread;
    sigset_t signals;
    int near;

    parse (argc, argv);
    setvbuf (stdout, NULL, _IOLBF, 0);
    sigemptyset (&signals);
    sigaddset (&signals, SIGINT);
    sigaddset (&signals, SIGTERM);
    sigaddset (&signals, SIGHUP);
    pthread_sigmask (SIG_BLOCK, &signals, NULL);
    /* On a busy machine packets would wait for this program instead of for the line. */
    sched_setscheduler (0, SCHED_RR, &priority);
    near = make_end ("near", "10.77.0.1");
    if (pthread_create (&thread, NULL, hold_far_end, (void *)&far) != 0) {
        fail ("cannot start a thread");
    }
    while (far < 0) {
        nanosleep (&(struct timespec){.tv_nsec = NS_PER_MS}, NULL);
    }
    start (&out, near, far);
    start (&back, far, near);
    printf ("ready\n");
    wait_for_end (&signals);
    print_way ("out", &out);
    print_way ("back", &back);
    return 0;
}
