/* The memory limit sees RLIMIT_AS, and is never more than the machine has. */
#include "base/memory_limit.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif

static uint64_t
physical (void)
{
    return (uint64_t)sysconf (_SC_PHYS_PAGES) * (uint64_t)sysconf (_SC_PAGE_SIZE);
}

static void
test_below_machine (void)
{
    g_assert_cmpuint (arec_memory_limit(), >, 0);
    g_assert_cmpuint (arec_memory_limit(), <=, physical());
    g_assert_cmpuint (arec_memory_limit(), ==, arec_memory_limit());
}

/* In a process of its own: the answer is found once. */
static void
test_rlimit (void)
{
    enum { LIMIT = 128 << 20 };

#ifdef SANITIZED
    g_test_skip ("a sanitizer needs terabytes of address space");
    return;
#endif
    if (g_test_subprocess()) {
        struct rlimit limit;

        g_assert_cmpint (getrlimit (RLIMIT_AS, &limit), ==, 0);
        limit.rlim_cur = LIMIT;
        g_assert_cmpint (setrlimit (RLIMIT_AS, &limit), ==, 0);
        _exit (arec_memory_limit() <= LIMIT && arec_memory_limit() > 0 ? 0 : 1);
    }
    g_test_trap_subprocess (NULL, 0, 0);
    g_test_trap_assert_passed();
}

int
main (int argc, char **argv)
{
    g_test_init (&argc, &argv, NULL);
    g_test_add_func ("/memory-limit/machine", test_below_machine);
    g_test_add_func ("/memory-limit/rlimit", test_rlimit);
    return g_test_run();
}
