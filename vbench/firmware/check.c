/* What a debugger can meet, on command: a fault of each kind, a lockup, breakpoints, semihosting,
 * resets, two stacks. Text goes out over the UART once and over RTT with each tick.
 *
 * A debugger writes the number of a wish into `wish`; the program clears it and does as told with
 * the next tick. Between ticks it sleeps. */
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* ARMv7-M ARM, DDI 0403E, B3.2: AIRCR, CCR, SHCSR, CPACR; B3.3: SysTick. */
#define SYSTICK_CTRL REGISTER(0xe000e010)
#define SYSTICK_LOAD REGISTER(0xe000e014)
#define AIRCR REGISTER(0xe000ed0c)
#define CCR REGISTER(0xe000ed14)
#define SHCSR REGISTER(0xe000ed24)
#define CPACR REGISTER(0xe000ed88)

enum wish {
    NOTHING,
    READ_UNMAPPED,
    UNDEFINED,
    LOCK_UP,
    BREAK,
    SAY,
    EXIT,
    RESET,
    PROCESS_STACK,
    DIVIDE_BY_ZERO,
    FLOATS,
};

volatile uint32_t wish;
volatile uint32_t ticks;
volatile uint32_t watched;
volatile uint32_t fault_in_handler;

/* SEGGER RTT as its host tools find it: one channel up, none down. The name is put together at run
 * time, so that no copy of it stands in flash. */
static char rtt_buffer[256];
static struct {
    char id[16];
    int32_t up_count, down_count;
    const char *name;
    char *buffer;
    uint32_t size;
    volatile uint32_t write, read;
    uint32_t flags;
} rtt;

static void rtt_open(void)
{
    rtt.up_count = 1;
    rtt.name = "Terminal";
    rtt.buffer = rtt_buffer;
    rtt.size = sizeof rtt_buffer;
    static const char backwards[] = "TTR REGGES";
    for (unsigned i = 0; i < 10; i++)
        rtt.id[i] = backwards[9 - i];
}

static void rtt_say(const char *text)
{
    for (; *text; text++) {
        uint32_t next = (rtt.write + 1) % sizeof rtt_buffer;
        if (next == rtt.read)
            return;
        rtt_buffer[rtt.write] = *text;
        rtt.write = next;
    }
}

#ifdef NRF51
/* nRF51 Series Reference Manual 3.0, chapter 29. */
#define UART0 0x40002000u
static void uart_open(void)
{
    REGISTER(UART0 + 0x500) = 4; /* ENABLE */
    REGISTER(UART0 + 0x008) = 1; /* TASKS_STARTTX */
}
static void uart_send(char byte)
{
    REGISTER(UART0 + 0x11c) = 0; /* EVENTS_TXDRDY */
    REGISTER(UART0 + 0x51c) = (uint8_t)byte;
    while (!REGISTER(UART0 + 0x11c)) {
    }
}
#define TICK 160000u /* 10 ms of 16 MHz */
#elif defined(STM32L4)
/* RM0351 Rev 9, "RCC_APB2ENR", "USART registers". */
#define USART1 0x40013800u
static void uart_open(void)
{
    REGISTER(0x40021060) |= 1u << 14;             /* APB2ENR: USART1EN */
    REGISTER(USART1 + 0x0c) = 35;                 /* BRR: 115200 of 4 MHz */
    REGISTER(USART1 + 0x00) = 1u << 3 | 1u << 2 | 1u; /* CR1: TE, RE, UE */
}
static void uart_send(char byte)
{
    while (!(REGISTER(USART1 + 0x1c) & 1u << 7)) { /* ISR: TXE */
    }
    REGISTER(USART1 + 0x28) = (uint8_t)byte; /* TDR */
}
#define TICK 40000u /* 10 ms of 4 MHz, the MSI after reset */
#elif defined(MPS2)
/* Cortex-M System Design Kit TRM, ARM DDI 0479, 4.3 (APB UART). */
#define UART0 0x40004000u
static void uart_open(void)
{
    REGISTER(UART0 + 0x10) = 217; /* BAUDDIV: 115200 of 25 MHz */
    REGISTER(UART0 + 0x08) = 3;   /* CTRL: transmit and receive */
}
static void uart_send(char byte)
{
    while (REGISTER(UART0 + 0x04) & 1) { /* STATE: transmit buffer full */
    }
    REGISTER(UART0 + 0x00) = (uint8_t)byte;
}
#define TICK 250000u /* 10 ms of 25 MHz */
#else
/* RM0090 Rev 19, 30.6. */
#define USART1 0x40011000u
static void uart_open(void)
{
    REGISTER(USART1 + 0x0c) = 1u << 13 | 1u << 3 | 1u << 2; /* CR1: UE, TE, RE */
}
static void uart_send(char byte)
{
    while (!(REGISTER(USART1 + 0x00) & 1u << 7)) { /* SR: TXE */
    }
    REGISTER(USART1 + 0x04) = (uint8_t)byte;
}
#define TICK 1680000u /* 10 ms of 168 MHz */
#endif

static void uart_say(const char *text)
{
    while (*text)
        uart_send(*text++);
}

static void say_number(uint32_t number)
{
    char digits[9];
    for (int i = 0; i < 8; i++)
        digits[i] = "0123456789abcdef"[number >> (28 - 4 * i) & 0xf];
    digits[8] = 0;
    rtt_say(digits);
    rtt_say("\n");
}

/* Semihosting for AArch32, 2.0: SYS_WRITE0, and SYS_EXIT with ADP_Stopped_ApplicationExit. */
static void semihosting(uint32_t operation, uint32_t argument)
{
    register uint32_t r0 __asm__("r0") = operation;
    register uint32_t r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt #0xab" : "+r"(r0) : "r"(r1) : "memory");
}

__attribute__((noinline)) void read_unmapped(void)
{
    (void)REGISTER(0x30000000);
}

__attribute__((noinline)) void undefined(void)
{
    __asm__ volatile("udf #0");
}

__attribute__((noinline)) void breakpoint(void)
{
    __asm__ volatile("bkpt #1");
}

/* Runs on the process stack, so that both stack pointers are in use, until there is a new wish. */
static uint32_t process_stack[64] __attribute__((aligned(8)));
__attribute__((naked, noinline)) void on_process_stack(uint32_t *top __attribute__((unused)),
                                                       volatile uint32_t *until
                                                       __attribute__((unused)))
{
    __asm__ volatile("msr psp, r0\n"
                     "mrs r2, control\n"
                     "movs r3, #2\n"
                     "msr control, r3\n"
                     "isb\n"
                     "1: ldr r3, [r1]\n"
                     "cmp r3, #0\n"
                     "beq 1b\n"
                     "msr control, r2\n"
                     "isb\n"
                     "bx lr\n");
}

#ifndef NRF51
__attribute__((noinline)) void divide(uint32_t by)
{
    CCR |= 1u << 4;    /* DIV_0_TRP */
    SHCSR |= 1u << 18; /* USGFAULTENA */
    watched = ticks / by;
}

#ifndef MPS2
__attribute__((noinline)) void floats(void)
{
    __asm__ volatile("vmov.f32 s0, #1.5\n"
                     "vmov.f32 s1, #-2.0\n"
                     "vmov.f32 s31, #0.5\n"
                     "bkpt #2" ::
                         : "s0", "s1", "s31");
}
#endif
#endif

static void grant(uint32_t granted)
{
    switch (granted) {
    case READ_UNMAPPED: read_unmapped(); break;
    case LOCK_UP: fault_in_handler = 1; /* fall through */
    case UNDEFINED: undefined(); break;
    case BREAK: breakpoint(); break;
    case SAY: semihosting(0x04, (uint32_t)"said by semihosting\n"); break;
    case EXIT: semihosting(0x18, 0x20026); break;
    case RESET: AIRCR = 0x05fa0004; break;
    case PROCESS_STACK: on_process_stack(process_stack + 64, &wish); break;
#ifndef NRF51
    case DIVIDE_BY_ZERO: divide(wish); break;
#ifndef MPS2
    case FLOATS: floats(); break;
#endif
#endif
    }
}

void SysTick_Handler(void)
{
    ticks++;
}

void HardFault_Handler(void)
{
    if (fault_in_handler)
        __asm__ volatile("udf #1");
    for (;;) {
    }
}

__attribute__((noinline)) void tick(void)
{
    rtt_say("tick ");
    say_number(ticks);
    watched = ticks;
}

int main(void)
{
    rtt_open();
    uart_open();
    uart_say("check: boot ok\r\n");
    SYSTICK_LOAD = TICK - 1;
    SYSTICK_CTRL = 7;
    for (;;) {
        __asm__ volatile("wfi");
        tick();
        uint32_t granted = wish;
        if (granted) {
            wish = NOTHING;
            grant(granted);
        }
    }
}

extern uint32_t stack_top, data_load, data_start, data_end, bss_start, bss_end;

__attribute__((noreturn)) void Reset_Handler(void)
{
    uint32_t *from = &data_load;
    for (uint32_t *to = &data_start; to < &data_end;)
        *to++ = *from++;
    for (uint32_t *to = &bss_start; to < &bss_end;)
        *to++ = 0;
#if !defined(NRF51) && !defined(MPS2)
    CPACR |= 0xfu << 20;
    __asm__ volatile("dsb\nisb");
#endif
    main();
    for (;;) {
    }
}

void UsageFault_Handler(void)
{
    for (;;) {
    }
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
    HardFault_Handler,
    [6] = UsageFault_Handler,
    [15] = SysTick_Handler,
};
