import { mount } from 'svelte'
import App from './App.svelte'
import { HttpBackend } from './lib/api/http'
import { ThemeChoice } from './lib/state/theme.svelte'
import { Places } from './lib/state/places.svelte'
import { View } from './lib/state/view.svelte'
import { Workbench } from './lib/state/workbench.svelte'
import './styles/tokens.css'
import './styles/base.css'
import './styles/table.css'

const theme = new ThemeChoice()
const bench = new Workbench(new HttpBackend())
const view = new View()
const places = new Places(bench, view, sessionStorage)
void bench.start(() => places.open(location.hash))

const target = document.getElementById('app')
if (target) mount(App, { target, props: { bench, theme, view, places } })
