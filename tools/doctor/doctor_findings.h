/* ToolDoctorFinding: one topic of a file, or of a set of shards: its grade, what was found, and
 * a command that makes it better. Made of numbers, without I/O.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <glib.h>

#include "doctor/doctor_layout.h"
#include "doctor/doctor_measure.h"
#include "doctor/doctor_rules.h"
#include "doctor/doctor_trials.h"
#include "look/file_facts.h"

typedef struct {
    ToolDoctorTopic topic;
    ToolDoctorGrade grade;
    double value;
    char *text;
    char **advice; /* the arguments of a command, the program first; NULL: none */
    char *effect;  /* what it does besides, `65 % larger`; NULL: nothing is known */
} ToolDoctorFinding;

/* What is known of a file. Nothing is owned. */
typedef struct {
    const char *file; /* as commands name it */
    const ToolFileFacts *facts;
    const ToolDoctorLayout *layout;
    const ToolDoctorTimes *times;
    const ToolDoctorTrials *trials;
    ArecWriterOptions own; /* with which it was written */
    size_t n_damages;
    const char *damage;  /* the first one, if there are any */
    uint64_t cache_size; /* bytes, of a reader's engine */
    unsigned access;     /* what it is read for: a ToolDoctorAccess, or ALL */
    const char *profile; /* the reader's profile for that; NULL: what suits the file */
} ToolDoctorCase;

/* All findings that matter for the access, the worst first.
 * Returns (transfer full) of ToolDoctorFinding *. */
GPtrArray *tool_doctor_findings_new (const ToolDoctorCase *one);

/* A set of shards. */
typedef struct {
    char *pattern;        /* a glob of its files */
    uint64_t n_there;     /* shards */
    uint64_t n_total;     /* that the names say */
    uint64_t least, most; /* bytes of a file of them */
    const char *reason;   /* what is wrong with its numbers; NULL: nothing */
} ToolDoctorSet;

/* The same of a set of shards. */
GPtrArray *tool_doctor_findings_new_of_set (const ToolDoctorSet *set);
