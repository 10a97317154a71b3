import { mount } from 'svelte'
import App from './App.svelte'
import { HttpBackend } from './lib/api/http'
import { ThemeChoice } from './lib/state/theme.svelte'
import { View } from './lib/state/view.svelte'
import { Workbench } from './lib/state/workbench.svelte'
import './styles/tokens.css'
import './styles/base.css'

const theme = new ThemeChoice()
const bench = new Workbench(new HttpBackend())
void bench.start()

const target = document.getElementById('app')
if (target) mount(App, { target, props: { bench, theme, view: new View() } })
