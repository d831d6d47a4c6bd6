/* More text over RTT than any probe fetches: numbered records as fast as the core can, so that a host
 * can tell whether one is missing. With WAIT the firmware waits for room, else it drops what does not
 * fit, and counts. */
#include <stdint.h>

#define RECORD 8u
#define SIZE 1024u

volatile uint32_t sent, dropped;

static uint8_t buffer[SIZE];

/* SEGGER UM08001, "RTT": one channel up, none down. */
struct {
    char id[16];
    int32_t up_count, down_count;
    const char *name;
    uint8_t *buffer;
    uint32_t size;
    volatile uint32_t write, read;
    uint32_t flags;
} _SEGGER_RTT;

static uint32_t room(void)
{
    return (_SEGGER_RTT.read - _SEGGER_RTT.write - 1) % SIZE;
}

static void put(uint32_t number)
{
#ifdef WAIT
    while (room() < RECORD) {
    }
#else
    if (room() < RECORD) {
        dropped++;
        return;
    }
#endif
    uint32_t at = _SEGGER_RTT.write;
    for (unsigned i = 0; i < RECORD; i++)
        buffer[(at + i) % SIZE] = (uint8_t)((i < 4 ? number : ~number) >> (8 * (i % 4)));
    __asm__ volatile("" ::: "memory");
    _SEGGER_RTT.write = (at + RECORD) % SIZE;
    sent++;
}

static void open(void)
{
    _SEGGER_RTT.up_count = 1;
    _SEGGER_RTT.name = "flood";
    _SEGGER_RTT.buffer = buffer;
    _SEGGER_RTT.size = SIZE;
#ifdef WAIT
    _SEGGER_RTT.flags = 2;
#endif
    static const char backwards[] = "TTR REGGES";
    __asm__ volatile("" ::: "memory");
    for (unsigned i = 0; i < 10; i++)
        ((volatile char *)_SEGGER_RTT.id)[i] = backwards[9 - i];
}

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
    open();
    for (uint32_t number = 0;; number++)
        put(number);
}

void Default_Handler(void)
{
    for (;;) {
    }
}

typedef void (*vector)(void);

__attribute__((section(".isr_vector"), used)) const vector vectors[16] = {
    (vector)&stack_top,
    Reset_Handler,
    Default_Handler,
    Default_Handler,
};
