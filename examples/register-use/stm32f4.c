/* Drivers in the manner of a vendor's HAL, for an STM32F405: handles with an `Instance`, register
 * structures as arguments, tables in flash, loops, calls through tables of functions. It runs on
 * QEMU's netduinoplus2, which models some of these registers and takes the writes to the others.
 */
#include "stm32f4.h"

#define NOINLINE __attribute__((noinline))

typedef struct {
    uint32_t Pin, Mode, Pull, Speed, Alternate;
} GPIO_InitTypeDef;

typedef struct {
    uint32_t BaudRate, Parity;
} UART_InitTypeDef;

typedef struct {
    USART_TypeDef *Instance;
    UART_InitTypeDef Init;
    const char *text;
    uint32_t left;
    __IO uint32_t State;
} UART_HandleTypeDef;

typedef struct {
    TIM_TypeDef *Instance;
    uint32_t Prescaler, Period;
} TIM_HandleTypeDef;

/* Filled in at run time, and when the program is linked. */
UART_HandleTypeDef huart1, huart2;
static UART_HandleTypeDef huart3 = {.Instance = USART3, .Init = {.BaudRate = 9600}};
static TIM_HandleTypeDef htim = {.Instance = TIM3, .Prescaler = 83, .Period = 999};
__IO uint32_t ticks;
static __IO uint32_t which;

/* ---- pins ---- */

static const struct pin {
    GPIO_TypeDef *port;
    uint8_t number, alternate;
} uart_pins[] = {{GPIOA, 2, 7}, {GPIOA, 3, 7}, {GPIOA, 9, 7}, {GPIOB, 10, 7}, {GPIOC, 6, 8}};

NOINLINE void HAL_GPIO_Init(GPIO_TypeDef *GPIOx, const GPIO_InitTypeDef *init)
{
    for (uint32_t position = 0; position < 16; position++) {
        if ((init->Pin & (1u << position)) == 0)
            continue;
        if (init->Mode == 2) {
            uint32_t half = GPIOx->AFR[position >> 3];
            half &= ~(0xfu << ((position & 7) * 4));
            half |= init->Alternate << ((position & 7) * 4);
            GPIOx->AFR[position >> 3] = half;
        }
        GPIOx->MODER = (GPIOx->MODER & ~(3u << (position * 2))) | (init->Mode << (position * 2));
        GPIOx->OSPEEDR |= init->Speed << (position * 2);
        GPIOx->PUPDR = (GPIOx->PUPDR & ~(3u << (position * 2))) | (init->Pull << (position * 2));
    }
}

NOINLINE void HAL_GPIO_WritePin(GPIO_TypeDef *GPIOx, uint16_t pin, int set)
{
    GPIOx->BSRR = set ? pin : (uint32_t)pin << 16;
}

static void pins_init(void)
{
    for (unsigned i = 0; i < sizeof uart_pins / sizeof uart_pins[0]; i++) {
        const struct pin *pin = &uart_pins[i];
        GPIO_InitTypeDef init = {.Pin = 1u << pin->number, .Mode = 2, .Alternate = pin->alternate};
        HAL_GPIO_Init(pin->port, &init);
    }
    GPIO_InitTypeDef led = {.Pin = (1u << 10) | (1u << 5), .Mode = 1, .Speed = 2};
    HAL_GPIO_Init(GPIOA, &led);
}

/* ---- clocks ---- */

static void clocks_init(void)
{
    RCC->CR |= 1u << 16;
    for (int tries = 0; tries < 20 && (RCC->CR & (1u << 17)) == 0; tries++) {
    }
    RCC->PLLCFGR = (4u << 24) | (168u << 6) | 4u;
    RCC->CFGR = (RCC->CFGR & ~0xfcf0u) | 0x9400u;
    RCC->AHB1ENR |= 7u;
    RCC->APB1ENR |= (1u << 17) | (1u << 18) | 7u;
    RCC->APB2ENR |= 1u << 4;
}

/* ---- uarts ---- */

NOINLINE void uart_set_config(UART_HandleTypeDef *huart)
{
    uint32_t clock = huart->Instance == USART1 ? 84000000u : 42000000u;
    huart->Instance->CR2 &= ~(3u << 12);
    huart->Instance->CR1 = (huart->Instance->CR1 & ~0x160cu) | (1u << 3) | (1u << 2);
    huart->Instance->CR3 &= ~0x300u;
    huart->Instance->BRR = clock / huart->Init.BaudRate;
}

NOINLINE int HAL_UART_Init(UART_HandleTypeDef *huart)
{
    if (huart == 0)
        return 1;
    huart->State = 0x24;
    huart->Instance->CR1 &= ~(1u << 13);
    uart_set_config(huart);
    huart->Instance->CR1 |= 1u << 13;
    huart->State = 0x20;
    return 0;
}

NOINLINE int HAL_UART_Transmit(UART_HandleTypeDef *huart, const char *text, uint32_t length)
{
    while (length--) {
        for (int tries = 0; (huart->Instance->SR & (1u << 7)) == 0; tries++)
            if (tries == 1000)
                return 3;
        huart->Instance->DR = (uint8_t)*text++;
    }
    return 0;
}

NOINLINE void HAL_UART_Transmit_IT(UART_HandleTypeDef *huart, const char *text, uint32_t length)
{
    huart->text = text;
    huart->left = length;
    huart->Instance->CR1 |= 1u << 7;
}

NOINLINE void HAL_UART_IRQHandler(UART_HandleTypeDef *huart)
{
    uint32_t status = huart->Instance->SR;
    if ((status & (1u << 7)) == 0)
        return;
    if (huart->left == 0) {
        huart->Instance->CR1 &= ~(1u << 7);
        return;
    }
    huart->left--;
    huart->Instance->DR = (uint8_t)*huart->text++;
}

void USART2_IRQHandler(void)
{
    HAL_UART_IRQHandler(&huart2);
}

/* ---- devices behind tables of functions ---- */

struct device;

struct operations {
    void (*start)(const struct device *);
    void (*put)(const struct device *, char);
};

struct device {
    const struct operations *operations;
    void *registers;
    uint32_t setting;
};

static void usart_start(const struct device *device)
{
    USART_TypeDef *usart = device->registers;
    usart->BRR = device->setting;
    usart->CR1 = (1u << 13) | (1u << 3);
}

static void usart_put(const struct device *device, char letter)
{
    ((USART_TypeDef *)device->registers)->DR = (uint8_t)letter;
}

static void timer_start(const struct device *device)
{
    TIM_TypeDef *timer = device->registers;
    timer->PSC = device->setting;
    timer->CR1 |= 1;
}

static void timer_put(const struct device *device, char letter)
{
    ((TIM_TypeDef *)device->registers)->CCR1 = (uint8_t)letter;
}

static const struct operations usart_operations = {usart_start, usart_put};
static const struct operations timer_operations = {timer_start, timer_put};
static const struct device devices[] = {
    {&usart_operations, USART1, 729},
    {&usart_operations, USART3, 4375},
    {&timer_operations, TIM2, 83},
    {&timer_operations, TIM4, 41},
};

NOINLINE void device_put(uint32_t number, char letter)
{
    const struct device *device = &devices[number];
    device->operations->put(device, letter);
}

/* ---- timers and streams ---- */

NOINLINE void HAL_TIM_Base_Start(TIM_HandleTypeDef *timer)
{
    timer->Instance->PSC = timer->Prescaler;
    timer->Instance->ARR = timer->Period;
    timer->Instance->EGR = 1;
    timer->Instance->CR1 |= 1;
}

NOINLINE void pwm_set(TIM_TypeDef *TIMx, uint32_t channel, uint32_t value)
{
    switch (channel) {
    case 0: TIMx->CCR1 = value; break;
    case 1: TIMx->CCR2 = value; break;
    case 2: TIMx->CCR3 = value; break;
    case 3: TIMx->CCR4 = value; break;
    default: TIMx->CNT = 0; break;
    }
}

static void streams_init(void)
{
    for (uint32_t stream = 0; stream < 8; stream++) {
        DMA_Stream_TypeDef *registers = (void *)(DMA1_BASE + 0x10 + 0x18 * stream);
        registers->CR = 0;
        registers->NDTR = stream;
        registers->FCR = 0x21;
    }
}

/* A register structure whose instance nobody knows before it runs. */
NOINLINE void toggle(GPIO_TypeDef *port, uint32_t pin)
{
    port->ODR ^= 1u << pin;
}

static GPIO_TypeDef *port_of(uint32_t number)
{
    return (GPIO_TypeDef *)(0x40020000u + 0x400u * number);
}

void SysTick_Handler(void)
{
    ticks++;
    toggle(port_of(which++ & 1), 5);
}

int main(void)
{
    clocks_init();
    pins_init();
    streams_init();
    huart1.Instance = USART1;
    huart1.Init.BaudRate = 115200;
    HAL_UART_Init(&huart1);
    huart2.Instance = USART2;
    huart2.Init.BaudRate = 38400;
    HAL_UART_Init(&huart2);
    HAL_UART_Init(&huart3);
    HAL_UART_Transmit(&huart1, "boot\r\n", 6);
    HAL_UART_Transmit(&huart3, "hello\r\n", 7);
    NVIC_ISER[1] = 1u << 6;
    HAL_UART_Transmit_IT(&huart2, "interrupts\r\n", 12);
    HAL_TIM_Base_Start(&htim);
    for (uint32_t channel = 0; channel < 5; channel++)
        pwm_set(TIM2, channel, 100 * channel);
    pwm_set(TIM4, 2, 7);
    for (unsigned i = 0; i < sizeof devices / sizeof devices[0]; i++)
        devices[i].operations->start(&devices[i]);
    SYSTICK[1] = 15999;
    SYSTICK[2] = 0;
    SYSTICK[0] = 7;
    for (;;) {
        device_put(ticks & 3, (char)('a' + (ticks & 15)));
        HAL_GPIO_WritePin(GPIOA, 1u << 10, (ticks & 1) != 0);
        __asm volatile("wfi");
    }
}
