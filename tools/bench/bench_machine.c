#include "bench/bench_machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* The text of a file of /proc; NULL: it cannot be read. */
static char *
read_text (const char *path)
{
    char *text = NULL;

    return g_file_get_contents (path, &text, NULL, NULL) ? text : NULL;
}

/* What follows @name and its colon in a line of @text. Returns (transfer full), "" if there is
 * none. */
static char *
field_of (const char *text, const char *name)
{
    const char *line = text ? strstr (text, name) : NULL;
    const char *colon = line ? strchr (line, ':') : NULL;

    return colon ? g_strstrip (g_strndup (colon + 1, strcspn (colon + 1, "\n")))
                 : g_strdup ("");
}

void
tool_bench_machine_get (ToolBenchMachine *machine)
{
    g_autofree char *processors = read_text ("/proc/cpuinfo");
    struct utsname names;

    machine->cpus = g_get_num_processors();
    machine->model = field_of (processors, "model name");
    machine->kernel = uname (&names) == 0
                          ? g_strdup_printf ("%s %s", names.sysname, names.release)
                          : g_strdup ("");
}

void
tool_bench_machine_clear (ToolBenchMachine *machine)
{
    g_clear_pointer (&machine->model, g_free);
    g_clear_pointer (&machine->kernel, g_free);
}

void
tool_bench_machine_put_json (ToolOutput *out, const ToolBenchMachine *machine)
{
    tool_output_format (out, "\"machine\": {\"cpus\": %u, \"model\": ", machine->cpus);
    tool_output_json_string (out, machine->model);
    tool_output_text (out, ", \"kernel\": ");
    tool_output_json_string (out, machine->kernel);
    tool_output_byte (out, '}');
}

double
tool_bench_machine_now (void)
{
    struct timespec now;

    clock_gettime (CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static double
seconds_of (struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec * 1e-6;
}

static double
cpu_of (int who)
{
    struct rusage usage;

    getrusage (who, &usage);
    return seconds_of (usage.ru_utime) + seconds_of (usage.ru_stime);
}

double
tool_bench_machine_own_cpu (void)
{
    return cpu_of (RUSAGE_SELF);
}

double
tool_bench_machine_children_cpu (void)
{
    return cpu_of (RUSAGE_CHILDREN);
}

double
tool_bench_machine_cpu_of (pid_t process)
{
    struct timespec time;
    clockid_t clock;

    if (clock_getcpuclockid (process, &clock) != 0 || clock_gettime (clock, &time) != 0) {
        return 0;
    }
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double
tool_bench_machine_all_cpu (void)
{
    g_autofree char *text = read_text ("/proc/stat");
    unsigned long long user, nice, system, idle, wait, irq, softirq, steal = 0;

    if (!text || sscanf (text, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice,
                         &system, &idle, &wait, &irq, &softirq, &steal) < 7) {
        return -1;
    }
    return (double)(user + nice + system + irq + softirq + steal) /
           (double)sysconf (_SC_CLK_TCK);
}

/* A number of /proc/@process/status in bytes. */
static double
memory_of (const char *process, const char *name)
{
    g_autofree char *path = g_build_filename ("/proc", process, "status", NULL);
    g_autofree char *text = read_text (path);
    g_autofree char *field = field_of (text, name);

    return (double)g_ascii_strtoull (field, NULL, 10) * 1024;
}

double
tool_bench_machine_memory (void)
{
    return memory_of ("self", "VmRSS");
}

double
tool_bench_machine_memory_of (pid_t process)
{
    g_autofree char *name = g_strdup_printf ("%d", (int)process);

    return memory_of (name, "VmRSS");
}

double
tool_bench_machine_begin_peak (void)
{
    int fd = open ("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        /* Where it is refused, the peak is that of the whole process. */
        ssize_t ignored = write (fd, "5", 1);

        (void)ignored;
        close (fd);
    }
    return tool_bench_machine_memory();
}

double
tool_bench_machine_peak (void)
{
    return memory_of ("self", "VmHWM");
}
