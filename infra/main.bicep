// Everything that SRE Copilot runs on: one resource group, named after the environment.
targetScope = 'subscription'

@minLength(2)
@maxLength(20)
@description('Name of the environment, as in `azd env new NAME`; part of every name.')
param environmentName string

@description('Where everything runs. Flex Consumption and the model have to be offered there.')
param location string

@allowed(['dev', 'test', 'prod'])
@description('How large and how protected; stages.json says what each means.')
param stage string = 'dev'

@allowed(['yes', 'no', 'by-stage'])
@description('Private endpoints and VNet integration: no data service answers on the internet.')
param privateNetwork string = 'by-stage'

@description('Client id of the Entra app registration of the API (infra/entra/register.sh prints it).')
param entraAudience string

@description('Client id that the web app signs in with; the API registration itself when empty.')
param entraClientId string = ''

@description('The one directory that people sign in from, or `organizations`.')
param entraSignInDirectory string = 'organizations'

@description('The product and its web app under one host name, through Front Door; empty: the function app alone, under its own name.')
param customDomain string = ''

@description('The data key, wrapped by the vault (python -m shared.admin new-data-key); empty until it was made once.')
param wrappedDataKey string = ''

@description('Who is told of alerts; empty: nobody, and the alerts are only shown.')
param alertEmail string = ''

@description('From which month on the budget counts, as the first of that month; it cannot be changed later.')
param budgetFrom string

var stages = loadJsonContent('stages.json')
var settings = stages[stage]
var isPrivate = privateNetwork == 'by-stage' ? settings.privateNetwork : privateNetwork == 'yes'
var suffix = take(uniqueString(subscription().id, environmentName, location), 6)
var tags = {
  'azd-env-name': environmentName
  product: 'sre-copilot'
  stage: stage
}

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: 'rg-srecopilot-${environmentName}'
  location: location
  tags: tags
}

module identity 'modules/identity.bicep' = {
  scope: group
  name: 'identity'
  params: { name: 'id-srecopilot-${environmentName}', location: location, tags: tags }
}

module monitoring 'modules/monitoring.bicep' = {
  scope: group
  name: 'monitoring'
  params: {
    workspaceName: 'log-srecopilot-${environmentName}'
    insightsName: 'appi-srecopilot-${environmentName}'
    location: location
    tags: tags
    retentionDays: settings.logRetentionDays
    dailyCapGb: settings.logDailyCapGb
    publisherId: identity.outputs.principalId
  }
}

module network 'modules/network.bicep' = if (isPrivate) {
  scope: group
  name: 'network'
  params: { name: 'vnet-srecopilot-${environmentName}', location: location, tags: tags }
}

module storage 'modules/storage.bicep' = {
  scope: group
  name: 'storage'
  params: {
    name: 'stsrecopilot${suffix}'
    location: location
    tags: tags
    sku: settings.storageSku
    isPrivate: isPrivate
    endpointSubnetId: isPrivate ? network.outputs.endpointSubnetId : ''
    networkId: isPrivate ? network.outputs.id : ''
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cosmos 'modules/cosmos.bicep' = {
  scope: group
  name: 'cosmos'
  params: {
    name: 'cosmos-srecopilot-${suffix}'
    location: location
    tags: tags
    throughput: settings.cosmos
    isPrivate: isPrivate
    endpointSubnetId: isPrivate ? network.outputs.endpointSubnetId : ''
    networkId: isPrivate ? network.outputs.id : ''
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module openai 'modules/openai.bicep' = {
  scope: group
  name: 'openai'
  params: {
    name: 'oai-srecopilot-${suffix}'
    location: location
    tags: tags
    model: settings.model
    isPrivate: isPrivate
    endpointSubnetId: isPrivate ? network.outputs.endpointSubnetId : ''
    networkId: isPrivate ? network.outputs.id : ''
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  scope: group
  name: 'vault'
  params: {
    name: 'kv-srecopilot-${suffix}'
    location: location
    tags: tags
    isPrivate: isPrivate
    endpointSubnetId: isPrivate ? network.outputs.endpointSubnetId : ''
    networkId: isPrivate ? network.outputs.id : ''
    principalId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module door 'modules/door.bicep' = if (!empty(customDomain)) {
  scope: group
  name: 'door'
  params: {
    profileName: 'afd-srecopilot-${environmentName}'
    endpointName: 'fde-srecopilot-${suffix}'
    tags: tags
    customDomain: customDomain
    functionHost: 'func-srecopilot-${suffix}.azurewebsites.net'
    webHost: storage.outputs.webHost
    workspaceId: monitoring.outputs.workspaceId
  }
}

module functions 'modules/functions.bicep' = {
  scope: group
  name: 'functions'
  params: {
    name: 'func-srecopilot-${suffix}'
    planName: 'asp-srecopilot-${environmentName}'
    location: location
    tags: tags
    scale: settings.functions
    identityId: identity.outputs.id
    subnetId: isPrivate ? network.outputs.functionSubnetId : ''
    packagesUrl: storage.outputs.packagesUrl
    doorId: empty(customDomain) ? '' : door.outputs.doorId
    workspaceId: monitoring.outputs.workspaceId
    fixedSettings: loadJsonContent('app-settings.json')
    appSettings: {
      APPLICATIONINSIGHTS_CONNECTION_STRING: monitoring.outputs.connectionString
      APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.outputs.clientId};Authorization=AAD'
      AzureWebJobsStorage__accountName: storage.outputs.name
      AzureWebJobsStorage__credential: 'managedidentity'
      AzureWebJobsStorage__clientId: identity.outputs.clientId
      AZURE_CLIENT_ID: identity.outputs.clientId
      COSMOS_ENDPOINT: cosmos.outputs.endpoint
      COSMOS_DATABASE: cosmos.outputs.databaseName
      ENTRA_AUTHORITY: az.environment().authentication.loginEndpoint
      ENTRA_AUDIENCE: entraAudience
      ENTRA_APP_ID_URI: 'api://${entraAudience}'
      ENTRA_CLIENT_ID: empty(entraClientId) ? entraAudience : entraClientId
      ENTRA_SIGN_IN_DIRECTORY: entraSignInDirectory
      PUBLIC_BASE_URL: 'https://${empty(customDomain) ? 'func-srecopilot-${suffix}.azurewebsites.net' : customDomain}'
      AZURE_OPENAI_ENDPOINT: openai.outputs.endpoint
      AZURE_OPENAI_DEPLOYMENT: openai.outputs.deploymentName
      AZURE_OPENAI_API_VERSION: 'v1'
      KEY_VAULT_KEY_ID: vault.outputs.keyId
      WRAPPED_DATA_KEY: wrappedDataKey
      // Behind Front Door the function app takes requests of this profile alone, so its header can be believed.
      CLIENT_ADDRESS_HEADER: empty(customDomain) ? 'X-Forwarded-For' : 'X-Azure-ClientIP'
    }
  }
}

module alerts 'modules/alerts.bicep' = {
  scope: group
  name: 'alerts'
  params: {
    environmentName: environmentName
    location: location
    tags: tags
    email: alertEmail
    insightsId: monitoring.outputs.insightsId
    cosmosId: cosmos.outputs.id
    openaiId: openai.outputs.id
    monthlyBudget: settings.monthlyBudget
    budgetFrom: budgetFrom
  }
}

module workbook 'modules/workbook.bicep' = {
  scope: group
  name: 'workbook'
  params: { location: location, tags: tags, insightsId: monitoring.outputs.insightsId }
}

output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = functions.outputs.name
output FUNCTION_APP_URL string = functions.outputs.url
output PUBLIC_BASE_URL string = 'https://${empty(customDomain) ? functions.outputs.host : customDomain}'
output COSMOS_ENDPOINT string = cosmos.outputs.endpoint
output STORAGE_ACCOUNT_NAME string = storage.outputs.name
output KEY_VAULT_KEY_ID string = vault.outputs.keyId
output MANAGED_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output MANAGED_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
