import { defineConfig } from 'vitest/config'

// One real program, one real browser; no test may depend on another, and none on the network.
export default defineConfig({
  test: { include: ['e2e/**/*.spec.ts'], fileParallelism: false, testTimeout: 60_000, hookTimeout: 90_000 },
})
