/* teataja/base/limits.h - every ceiling of the program, in one place.
 *
 * Sizes are bytes unless the name says otherwise. A limit that is reached is an
 * error with a message, never a silent cut.
 */
#pragma once

/* Files of a site. */
#define LIMIT_FILE 4194304       /* 4 MiB: any content or configuration file */
#define LIMIT_LINE 65536         /* 64 KiB: a line of it */
#define LIMIT_FRONT_MATTER 65536 /* 64 KiB: the YAML head of a content file */
#define LIMIT_YAML_DEPTH 16      /* nesting of YAML collections */
#define LIMIT_YAML_NODES 200000  /* nodes of a YAML file */
#define LIMIT_SLUG 64            /* a file's slug */
#define LIMIT_LIST 10000         /* values of one list in a file */
#define LIMIT_SITE_FILES 20000   /* content files of one kind */
#define LIMIT_IMAGE 2097152      /* 2 MiB: an image of the site */
#define LIMIT_LOGO 30720         /* 30 KiB: an image that travels inside each letter */

/* Mail (RFC 5321 section 4.5.3.1, RFC 5322 section 2.1.1). */
#define LIMIT_ADDRESS 254     /* an e-mail address, octets */
#define LIMIT_LOCAL_PART 64   /* what stands before its @ */
#define LIMIT_DOMAIN 253      /* what stands behind it */
#define LIMIT_HEADER_LINE 998 /* hard limit of a line */
#define LIMIT_FOLD 76         /* where a header line is folded, and a body line ends */
#define LIMIT_SUBJECT 400     /* a subject, octets of UTF-8 */
#define LIMIT_HTML 81920      /* 80 KiB: a rendered HTML part; Gmail clips near 102 KB */
#define LIMIT_MESSAGE 2097152 /* 2 MiB */
#define LIMIT_SMTP_REPLY 8192 /* 8 KiB: one reply, all its lines */
#define LIMIT_SMTP_LINE 512   /* one line of a reply (RFC 5321 section 4.5.3.1.5), with slack */
#define LIMIT_REPLY_KEPT 500  /* of a reply that the ledger keeps */

/* Text. */
#define LIMIT_TEXT 1048576      /* 1 MiB: Markdown, a rendered page, a composed text */
#define LIMIT_TEMPLATE_DEPTH 32 /* partials and sections inside each other */
#define LIMIT_MARKDOWN_NESTING 40
#define LIMIT_NAME 200   /* a person's or an organisation's name */
#define LIMIT_VALUE 2000 /* a free attribute or a comment */

/* Segments. */
#define LIMIT_SEGMENT 8192
#define LIMIT_SEGMENT_DEPTH 50
#define LIMIT_SEGMENT_LIST 1000

/* Calendars. */
#define LIMIT_ICS 4194304    /* 4 MiB */
#define LIMIT_ICS_LINE 65536 /* 64 KiB: an unfolded content line */
#define LIMIT_ICS_NESTING 8  /* BEGIN inside BEGIN */
#define LIMIT_ICS_COMPONENTS 20000
#define LIMIT_OCCURRENCES 2000 /* of one event in one question */
#define LIMIT_RECURRENCE_STEPS 100000
#define LIMIT_RECURRENCE_MS 250

/* CSV import. */
#define LIMIT_CSV 268435456 /* 256 MiB */
#define LIMIT_CSV_FIELD 65536
#define LIMIT_CSV_COLUMNS 200

/* Memory of one unit of work. */
#define LIMIT_ARENA_SITE 536870912 /* 512 MiB */
#define LIMIT_ARENA_WORK 67108864  /* 64 MiB */

/* Names held against misspelt ones within a second of CPU time: thousands of mistakes among
 * thousands of names would take minutes, and nobody reads so many hints. */
#define LIMIT_SUGGESTIONS 50000

/* Reports of problems: all are counted, so many are kept. */
#define LIMIT_PROBLEMS 1000
