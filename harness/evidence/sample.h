/* SPDX-License-Identifier: MIT */
/*
 * The records of samples.bin: what became of each planned request, and how late the harness itself ran.
 *
 * Fixed size, little-endian, described by the header; written by the load workers with O_APPEND in whole records, in
 * any order, read by measure and reports. The first record is the header. Each record ends with its own CRC-32C; how
 * many there are in the end, and in which order, the last line of the timeline says (seal.h). An instant is run time:
 * ns of CLOCK_MONOTONIC (or the lab's virtual clock) since the run began.
 */
#pragma once
#include <stdint.h>

#define SAMPLE_MAGIC "DRSAMPL1"
#define SAMPLE_SIZE 96
#define SAMPLE_VERSION 2

enum sample_kind { SAMPLE_REQUEST = 1, SAMPLE_STALL = 2, SAMPLE_SWITCH = 3, SAMPLE_PATROL = 4 };

/* How an exchange ended, seen by the client. GOOD is decided here once
 * (measurement section 4); everything else is bad. */
enum outcome {
    OUTCOME_GOOD,
    OUTCOME_LATE,        /* right, but completed more than T_req after its planned send */
    OUTCOME_WRONG,       /* 2xx with wrong nonce, checksum or length */
    OUTCOME_HTTP_STATUS, /* any other status */
    OUTCOME_REFUSED,     /* no connection: refused, unreachable, name failure */
    OUTCOME_RESET,       /* broke after a byte left: reset, empty reply, short body, send or receive error */
    OUTCOME_TIMEOUT,     /* connect or whole-request time-out */
    OUTCOME_UNSENT,      /* planned, not sent: a harness error */
    OUTCOME_TLS,         /* no secure connection: handshake failed or certificate not accepted; no byte of ours left */
    OUTCOMES
};

/* What we know of the effect of a write (measurement section 4). Reads: WRITE_NONE. */
enum write_outcome { WRITE_NONE, WRITE_OK, WRITE_FAIL, WRITE_UNKNOWN };

enum sample_flag {
    SAMPLE_HARNESS_ERROR = 1, /* stopped locally: EMFILE, ENOBUFS, EADDRNOTAVAIL ... (gate G5) */
    SAMPLE_RECONNECTED = 2,   /* keep-alive read that libcurl silently retried on a new connection */
    SAMPLE_UNVERIFIED = 4,    /* the answer carried no nonce or check */
    SAMPLE_NO_CONNECT = 8,    /* no connection came about: nothing can have been applied */
};

struct sample {
    uint8_t kind;       /* enum sample_kind */
    uint8_t outcome;    /* enum outcome */
    uint8_t write;      /* enum write_outcome */
    uint8_t flags;      /* enum sample_flag */
    uint16_t stream;    /* index into plan->streams; PATROL: into plan->patrols; STALL and SWITCH: the vantage's
                         * site, UINT16_MAX the runner */
    uint16_t status;    /* HTTP status, 0 none */
    uint64_t k;         /* number of the request in its stream; SWITCH: index of the endpoint gone to */
    int64_t planned_ns; /* s_k; STALL: when the canary should have woken */
    int64_t sent_ns;    /* a_k; 0 when unsent; STALL: when it woke */
    int64_t done_ns;    /* c_k */
    uint32_t version;   /* reads: version seen, writes: version acknowledged; 0 none */
    uint32_t epoch;     /* X-DR-Epoch; 0 none */
    uint16_t key;       /* number of the key, UINT16_MAX none */
    uint16_t endpoint;  /* node index of the gateway that was asked */
    uint16_t region;    /* site that served, by X-DR-Region; UINT16_MAX unknown */
    uint16_t attempts;  /* X-DR-Attempt; 0 unknown */
    uint64_t lsn;       /* writes: X-DR-LSN */
    int32_t code;       /* CURLcode or errno-like detail for people; 0 none */
    uint32_t bytes;     /* body bytes received */
    uint16_t node;      /* that served, by X-DR-Node: index + 1; 0 unknown */
    uint8_t reserved[18];
    uint32_t crc;       /* CRC-32C of the bytes before it; the writer's business */
};
_Static_assert(sizeof(struct sample) == SAMPLE_SIZE, "samples.bin has fixed records");

/* What is told of a request by who does not measure. */
struct sample_brief {
    int64_t planned_ns, took_ns; /* took: from the planned send to the end */
    int32_t code;
    uint16_t stream, status, endpoint, region;
    uint8_t outcome, write;
};

static inline struct sample_brief sample_brief_of(const struct sample *s)
{
    return (struct sample_brief){.planned_ns = s->planned_ns, .took_ns = s->done_ns - s->planned_ns, .code = s->code,
                                 .stream = s->stream, .status = s->status, .endpoint = s->endpoint, .region = s->region,
                                 .outcome = s->outcome, .write = s->write};
}

/* First record of the file. */
struct sample_header {
    char magic[8]; /* SAMPLE_MAGIC */
    uint32_t record_size, version;
    uint8_t scenario_sha256[32];
    int64_t zero_wall_ns;
    uint8_t reserved[36];
    uint32_t crc; /* as in a record */
};
_Static_assert(sizeof(struct sample_header) == SAMPLE_SIZE, "the header is one record");
